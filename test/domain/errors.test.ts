import { describe, expect, it } from "vitest";
import {
  AliasNotFound,
  AliasRetired,
  CohortNotFound,
  ComponentNotFound,
  ComponentUnreadable,
  GuardrailHit,
  RevisionConflict,
  TurnoutError,
} from "../../shared/domain/errors.ts";
import { resultIn } from "../../shared/domain/routing/commit-call.ts";

describe("an error", () => {
  it("of a lost race carries who came first", () => {
    const winner = { command: "turnout freeze", who: "ada", why: "incident 42" };
    const conflict = new RevisionConflict(4, 5, winner);
    expect(conflict).toMatchObject({ expected: 4, head: 5, winner, remedies: [{ operation: "explain routing" }] });
    expect(conflict.message).toBe(
      "The routing table is at revision 5, not 4: 'turnout freeze' by ada (incident 42). Nothing was changed.",
    );
  });

  it("of a revision that isn't there yet says so", () => {
    expect(new RevisionConflict(7, 5, undefined).message).toBe(
      "The routing table is at revision 5, not 7: there is no such revision yet. Nothing was changed.",
    );
  });

  it("of something that isn't there names what is, or says that there is nothing yet", () => {
    expect(new ComponentNotFound("a", ["b", "c"])).toMatchObject({
      ...{ message: "No component 'a'. There are: b, c.", kind: "not found", known: ["b", "c"] },
      remedies: [{ operation: "apply component" }],
    });
    expect(new ComponentNotFound("a", []).message).toBe("No component 'a'. There are no components yet.");
    expect(new CohortNotFound("a", ["b"])).toMatchObject({
      ...{ message: "No cohort 'a'. There are: b.", cohort: "a", remedies: [{ operation: "create cohort" }] },
    });
    expect(new CohortNotFound("a", []).message).toBe("No cohort 'a'. There are no cohorts yet.");
    expect(new AliasNotFound("a", "mailer", ["b"]).message).toBe("No alias 'a' on mailer; it has b.");
    expect(new AliasNotFound("a", "mailer", [])).toMatchObject({
      ...{ message: "No alias 'a' on mailer; it has none.", alias: "a", component: "mailer", known: [] },
      remedies: [{ operation: "add alias" }, expect.any(String)],
    });
    expect(new AliasRetired("a", "mailer")).toMatchObject({ kind: "not allowed", alias: "a", component: "mailer" });
  });

  it("of a row that can't be read says what is wrong, and what puts it right", () => {
    expect(new ComponentUnreadable("mailer", "it is broken")).toMatchObject({
      ...{ component: "mailer", problem: "it is broken" },
      message: "The row of component 'mailer' can't be read: it is broken. Its events wait.",
      remedies: [
        { operation: "apply component", component: "mailer" },
        { operation: "revert change" },
        { operation: "remove component", component: "mailer" },
      ],
    });
  });

  it("has no remedies, and no cause, unless it is given them", () => {
    expect(new TurnoutError("usage", "No.").remedies).toEqual([]);
    const cause = new Error("why");
    expect(new TurnoutError("usage", "No.", { cause, remedies: ["stop"] })).toMatchObject({
      cause,
      remedies: ["stop"],
    });
  });

  it("of a guardrail says what stands in the way, and what goes past it only where that is told", () => {
    const objections = [{ says: "changes are frozen" }, { says: "a pin to beta needs an end" }];
    expect(new GuardrailHit(objections)).toMatchObject({
      message: "Nothing was changed: changes are frozen; a pin to beta needs an end.",
      remedies: [{ operation: "force change" }],
    });
    expect(new GuardrailHit(objections, ["ask ada"]).remedies).toEqual(["ask ada"]);
  });

  it("of the committer comes with its remedies, and from one that tells none without", () => {
    const refused = { kind: "conflict", message: "Busy.", remedies: [{ operation: "explain routing" }] } as const;
    const told = (answer: object) => () => resultIn(JSON.parse(JSON.stringify({ refused: answer })));
    expect(told(refused)).toThrow(expect.objectContaining(refused));
    expect(told({ ...refused, remedies: undefined })).toThrow(new TurnoutError("conflict", "Busy."));
  });
});
