import { describe, expect, it } from "vitest";
import { GuardrailHit, RevisionConflict, TurnoutError } from "../../shared/domain/errors.ts";
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
