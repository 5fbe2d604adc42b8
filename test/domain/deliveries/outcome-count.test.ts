import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countedOutcomes, minuteOf, outcomeTally } from "../../../shared/domain/deliveries/outcome-count.ts";

const minute = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(minute.getTime() + ms);

describe("a tally of outcomes", () => {
  it("adds up what has minute, component, version and outcome in common, and nothing else", () => {
    const tally = outcomeTally();
    tally.add(plus(0), "mailer", "7", "done");
    tally.add(plus(59_999), "mailer", "7", "done", 4);
    tally.add(plus(60_000), "mailer", "7", "done");
    tally.add(plus(0), "invoice", "7", "done");
    tally.add(plus(0), "mailer", "", "done");
    tally.add(plus(0), "mailer", "7", "dead");
    expect(tally.take()).toEqual([
      { minute, component: "mailer", version: "7", outcome: "done", count: 5 },
      { minute: plus(60_000), component: "mailer", version: "7", outcome: "done", count: 1 },
      { minute, component: "invoice", version: "7", outcome: "done", count: 1 },
      { minute, component: "mailer", version: "", outcome: "done", count: 1 },
      { minute, component: "mailer", version: "7", outcome: "dead", count: 1 },
    ]);
  });

  it("never mixes two up, and never loses one, whatever versions are called", () => {
    const version = fc.oneof(fc.constantFrom("", " ", "done", "7 done", "done 7"), fc.string());
    const added = fc.tuple(fc.nat(200_000), fc.constantFrom("a", "b"), version, fc.constantFrom(...countedOutcomes));
    fc.assert(
      fc.property(fc.array(added), (all) => {
        const tally = outcomeTally();
        for (const [ms, component, of, outcome] of all) tally.add(plus(ms), component, of, outcome);
        const taken = tally.take();
        for (const [ms, component, of, outcome] of all) {
          const alike = (other: (typeof all)[number]) =>
            minuteOf(plus(other[0])).getTime() === minuteOf(plus(ms)).getTime() &&
            other.slice(1).every((value, index) => value === [component, of, outcome][index]);
          const key = { minute: minuteOf(plus(ms)), component, version: of, outcome };
          expect(taken).toContainEqual({ ...key, count: all.filter(alike).length });
        }
        expect(taken.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
      }),
    );
  });

  it("begins again when it has been taken, and leaves what was taken alone", () => {
    const tally = outcomeTally();
    tally.add(minute, "mailer", "7", "done");
    const taken = tally.take();
    tally.add(minute, "mailer", "7", "done");
    expect([taken, tally.take(), tally.take()]).toMatchObject([[{ count: 1 }], [{ count: 1 }], []]);
  });
});
