import { describe, expect, it } from "vitest";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { readCommitCall, resultIn } from "../../../shared/domain/routing/commit-call.ts";
import type { ChangeLogEntry } from "../../../shared/domain/routing/routing-change.ts";

const at = new Date("2026-11-20T10:00:00.000Z");
const change = {
  ...{ changeId: "c", at, who: "ada", why: "a test", command: "test" },
  rows: [{ key: "customer#acme", before: null, after: null }],
};
const asJson = (value: unknown) => JSON.parse(JSON.stringify(value));

describe("a call that asks for a commit", () => {
  it("is read from its JSON as it was made", () => {
    expect(readCommitCall(asJson({ change, expectedRevision: 0 }))).toEqual({
      ok: true,
      value: { change, expectedRevision: 0 },
    });
  });

  it.each([
    ["no change", { expectedRevision: 1 }],
    ["a revision below 0", { change, expectedRevision: -1 }],
    ["a change without an id", { change: { ...change, changeId: "" }, expectedRevision: 1 }],
    ["a change at no time", { change: { ...change, at: "soon" }, expectedRevision: 1 }],
    ["something more", { change, expectedRevision: 1, force: true }],
    ["nothing", null],
  ])("is refused with %s", (_, call) => {
    expect(readCommitCall(asJson(call)).ok).toBe(false);
  });
});

describe("the answer to such a call", () => {
  it("is the result, with the times of whoever came first", () => {
    expect(resultIn({ result: { committed: true, revision: 7 } })).toEqual({ committed: true, revision: 7 });
    const winner = { ...change, revision: 8 } as ChangeLogEntry;
    const overtaken = { committed: false, head: 8, winner } as const;
    expect(resultIn(asJson({ result: overtaken }))).toEqual(overtaken);
  });

  it("is the error of what was refused", () => {
    const refused = { kind: "not allowed", message: "Not you.", remedies: ["ask somebody"] } as const;
    const thrown = (() => {
      try {
        return resultIn({ refused: { ...refused, remedies: [...refused.remedies] } });
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(TurnoutError);
    expect(thrown).toMatchObject(refused);
  });
});
