import { expect, it } from "vitest";
import { addedUp, noCounts, spanStart } from "../../../shared/domain/health/delivery-count.ts";
import { OTHERS } from "../../../shared/domain/health/delivery-tally.ts";
import { isFirstSeenOn } from "../../../shared/domain/health/first-seen.ts";

const at = new Date("2026-11-20T10:59:59.999Z");

it("a moment lies in its minute and its hour", () => {
  expect(spanStart(at, "minute").toISOString()).toBe("2026-11-20T10:59:00.000Z");
  expect(spanStart(at, "hour").toISOString()).toBe("2026-11-20T10:00:00.000Z");
});

it("counts add up, name by name", () => {
  const one = { ...noCounts(), firsts: 5, failed: 2, retries: 3, replayed: 1 };
  one.outcomes.set("done", 4);
  one.durations.set(3, 2);
  one.errors.set("E", 1);
  const other = { ...noCounts(), firsts: 1, replayed: 4 };
  other.outcomes.set("done", 1).set("dead", 2);
  other.errors.set("F", 7);
  expect(addedUp([one, other])).toEqual({
    ...{ firsts: 6, failed: 2, retries: 3, replayed: 5 },
    outcomes: new Map([
      ["done", 5],
      ["dead", 2],
    ]),
    durations: new Map([[3, 2]]),
    errors: new Map([
      ["E", 1],
      ["F", 7],
    ]),
  });
  expect(addedUp([])).toEqual(noCounts());
});

it("an error is first seen on a version where no other has shown it, and never where it stands for all others", () => {
  const shown = (version: string, ...errors: string[]) => {
    const about = { component: "c", version, alias: "beta", type: "t", at };
    return { ...noCounts(), ...about, errors: new Map(errors.map((error) => [error, 1])) };
  };
  const counts = [shown("1", "Old"), shown("2", "Old", "New", OTHERS), shown("2", "New"), shown("1")];
  expect(["New", "Old", "Never", OTHERS].map((error) => isFirstSeenOn("2", error, counts))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
