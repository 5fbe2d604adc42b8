import fc from "fast-check";
import { expect, it } from "vitest";
import { readSteps } from "../../../shared/domain/releases/read-steps.ts";
import { stepText } from "../../../shared/domain/routing/release.ts";

it("the way of a release is read in its order", () => {
  expect(readSteps("cohort:staff, plan:free,0.5%,100%")).toEqual({
    ok: true,
    value: [
      { kind: "cohort", cohort: "staff" },
      { kind: "plan", plan: "free" },
      { kind: "share", basisPoints: 50 },
      { kind: "share", basisPoints: 10_000 },
    ],
  });
});

it.each([
  ["", "'': expected cohort:NAME, plan:NAME or a share such as 5%"],
  ["5%,staff", "'staff': expected cohort:NAME, plan:NAME or a share such as 5%"],
  ["25%,5%", "5% comes after 25%: a share can only grow"],
  ["5%,50%,plan:free,25%", "25% comes after 50%: a share can only grow"],
  ["5%,plan:free,5%", "5% is named twice"],
  ["cohort:staff,cohort:staff", "cohort staff is named twice"],
  ["0%", "'0%': a share of nothing is no step"],
  ["101%", "'101%': a share is at most 100%"],
  ["0.001%", "'0.001%': expected a share such as 5% or 0.25%"],
  ["plan:", "'plan:': plan: a subject id can't be empty"],
])("the way '%s' is refused: %s", (text, problem) => {
  expect(readSteps(text)).toEqual({ ok: false, problem });
});

it("shares are read as they are told", () => {
  const shares = fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(shares, (basisPoints) => {
      const steps = basisPoints
        .toSorted((a, b) => a - b)
        .map((share) => ({ kind: "share", basisPoints: share }) as const);
      expect(readSteps(steps.map(stepText).join(","))).toEqual({ ok: true, value: steps });
    }),
  );
});
