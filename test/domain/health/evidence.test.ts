import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  baseRateBound,
  driftOf,
  type Stratum,
  stratumEvidence,
  worseThanBefore,
  worseThanStable,
} from "../../../shared/domain/health/evidence.ts";
import { verdictOf } from "../../../shared/domain/health/verdict.ts";

/** The chances of each number of failures among `drawn` of `all` that `failed` have failed of. */
function hypergeometric(all: number, failed: number, drawn: number): number[] {
  const chances: number[] = [];
  for (let x = 0; x <= Math.min(failed, drawn); x++) {
    chances.push(
      drawn - x > all - failed ? 0 : Math.exp(choose(failed, x) + choose(all - failed, drawn - x) - choose(all, drawn)),
    );
  }
  return chances;
}

function choose(n: number, k: number): number {
  let log = 0;
  for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
  return log;
}

const ratio = fc.constantFrom(1.5, 2, 3, 5, 10, 30);

describe("evidence that a version is worse than stable", () => {
  it("has a mean of at most 1 in every stratum of one that isn't: it is a supermartingale", () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(60), fc.nat(40));
    fc.assert(
      fc.property(sizes, ratio, ([candidate, stable, failures], r) => {
        const all = candidate + stable;
        const failed = Math.min(failures, all);
        const mean = hypergeometric(all, failed, candidate).reduce(
          (sum, chance, x) => sum + chance * Math.exp(stratumEvidence(x, failed, candidate / all, r)),
          0,
        );
        expect(mean).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { numRuns: 2_000 },
    );
  });

  it("grows with its failures, and falls with stable's", () => {
    const of = (own: number, others: number): Stratum[] => [
      { candidate: { tried: 100, failed: own }, stable: { tried: 100, failed: others } },
    ];
    expect(worseThanStable(of(20, 0))).toBeGreaterThan(worseThanStable(of(10, 0)));
    expect(worseThanStable(of(20, 5))).toBeLessThan(worseThanStable(of(20, 0)));
    expect(worseThanStable(of(0, 50))).toBeLessThan(0);
    expect(worseThanStable([])).toBe(0);
  });
});

describe("evidence in figures, which nobody changes by accident", () => {
  it("is what its formulas say", () => {
    const one = [{ candidate: { tried: 50, failed: 10 }, stable: { tried: 100, failed: 4 } }];
    const share = 1.25 / 3 / (1.25 / 3 + 2 / 3);
    const mean = [1.5, 2, 3, 5, 10, 30]
      .map((ratio) => ratio ** 10 / (ratio * share + 1 - share) ** 14)
      .reduce((sum, each) => sum + each / 6, 0);
    expect(worseThanStable(one)).toBeCloseTo(Math.log(mean), 9);
    const before = [0.2, 0.4, 0.8]
      .map((rate) => (rate / 0.1) ** 3 * ((1 - rate) / 0.9) ** 7)
      .reduce((sum, each) => sum + each / 3, 0);
    expect(worseThanBefore({ tried: 10, failed: 3 }, 0.1)).toBeCloseTo(Math.log(before), 9);
  });
});

describe("the highest rate that what was seen before speaks for", () => {
  it("is where its divergence is as large as the chance allows", () => {
    // Nothing failed: (1 - v)^n = δ.
    expect(baseRateBound({ tried: 100, failed: 0 }, 0.01)).toBeCloseTo(1 - 0.01 ** (1 / 100), 9);
    const [rate, bound] = [0.3, baseRateBound({ tried: 50, failed: 15 }, 0.001)];
    const divergence = rate * Math.log(rate / bound) + (1 - rate) * Math.log((1 - rate) / (1 - bound));
    expect(50 * divergence).toBeCloseTo(Math.log(1_000), 9);
    expect(bound).toBeGreaterThan(rate);
    expect(baseRateBound({ tried: 10, failed: 10 }, 0.01)).toBe(1);
  });
});

describe("evidence that deliveries fail more often than before", () => {
  it("has a mean of at most 1 for each delivery of a version whose rate is within the bound", () => {
    const unit = fc.double({ min: 0.0001, max: 0.79, noNaN: true });
    fc.assert(
      fc.property(unit, unit, (bound, share) => {
        const rate = bound * share;
        const of = (failed: number) => Math.exp(worseThanBefore({ tried: 1, failed }, bound));
        expect(rate * of(1) + (1 - rate) * of(0)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it("begins above the rate that was seen before, the nearer to it the more was seen", () => {
    const bounds = [10, 100, 1_000, 10_000].map((tried) => baseRateBound({ tried, failed: tried / 10 }, 0.0001));
    expect(bounds).toEqual(bounds.toSorted((a, b) => b - a));
    expect(bounds.at(-1)).toBeCloseTo(0.1, 1);
    expect(baseRateBound({ tried: 0, failed: 0 }, 0.0001)).toBe(1);
    expect(worseThanBefore({ tried: 100, failed: 100 }, 1)).toBe(0);
  });
});

describe("a verdict", () => {
  const strata = (own: number, others: number): Stratum[] => [
    { candidate: { tried: 100, failed: own }, stable: { tried: 1_000, failed: others } },
  ];
  const before = { tried: 10_000, failed: 50 };
  const judged = (own: number, others: number) =>
    verdictOf({ strata: strata(own, others), now: { tried: 100, failed: own }, before, customersAffected: 5 }, true);

  it("acts on what is worse than stable and than before, and on neither alone", () => {
    expect(judged(50, 5).level).toBe("act");
    expect(judged(1, 5).level).toBe("ok");
    // An outage of everybody.
    expect(judged(50, 500)).toMatchObject({ level: "ok" });
    // Customers who have always failed more than the rest.
    const noisy = { strata: strata(20, 5), now: { tried: 100, failed: 20 }, customersAffected: 5 };
    expect(verdictOf({ ...noisy, before: { tried: 10_000, failed: 2_000 } }, true).level).toBe("ok");
  });

  it("warns, and never acts, where there is but one thing to compare with, or none and much fails", () => {
    const now = { tried: 100, failed: 50 };
    expect(verdictOf({ now, before, customersAffected: 5 }, true)).toMatchObject({ level: "warn" });
    expect(verdictOf({ now, strata: strata(50, 5), customersAffected: 5 }, true)).toMatchObject({ level: "warn" });
    expect(verdictOf({ now, customersAffected: 5 }, true)).toMatchObject({ level: "warn" });
    expect(verdictOf({ now: { tried: 100, failed: 20 }, customersAffected: 5 }, true)).toMatchObject({ level: "ok" });
    // One thing to compare with is enough not to warn by, however much fails.
    const known = { now, before: { tried: 10_000, failed: 5_000 }, customersAffected: 5 };
    expect(verdictOf(known, true)).toMatchObject({ level: "ok", worseThanStable: undefined });
  });

  it("takes three failures, and two customers where there are three", () => {
    expect(verdictOf({ now: { tried: 9, failed: 2 }, customersAffected: 2 }, true).isTooFew).toBe(true);
    expect(verdictOf({ now: { tried: 9, failed: 1 }, customersAffected: 2 }, true).isTooFew).toBe(true);
    expect(verdictOf({ now: { tried: 9, failed: 0 }, customersAffected: 0 }, true).isTooFew).toBe(false);
    expect(verdictOf({ now: { tried: 9, failed: 3 }, customersAffected: 2 }, true).isTooFew).toBe(false);
    expect(verdictOf({ now: { tried: 9, failed: 3 }, customersAffected: 1 }, true).isTooFew).toBe(true);
    const of = (failed: number, customersAffected: number, many: boolean) =>
      verdictOf({ strata: strata(40, 0), now: { tried: 100, failed }, before, customersAffected }, many).level;
    expect(of(2, 2, true)).toBe("ok");
    const few = (failed: number) =>
      verdictOf({ strata: strata(40, 0), now: { tried: 3, failed }, before, customersAffected: 2 }, true).level;
    expect([few(2), few(3)]).toEqual(["ok", "act"]);
    expect(of(40, 1, true)).toBe("ok");
    expect(of(40, 1, false)).toBe("act");
  });
});

describe("how much more often than before all fail", () => {
  it("is by how much the share now is above the highest that was before", () => {
    const before = { tried: 2_000, failed: 20 };
    const bound = baseRateBound(before, 0.05);
    expect(driftOf({ tried: 1_000, failed: 50 }, before)).toBeCloseTo(0.05 / bound, 9);
    expect(driftOf({ tried: 1_000, failed: 50 }, { tried: 20, failed: 0 })).toBe(1);
  });

  it("is not at all where nothing is known, and where as much or less fails", () => {
    const nothing = { tried: 0, failed: 0 };
    expect(driftOf(nothing, { tried: 100, failed: 1 })).toBe(1);
    expect(driftOf({ tried: 100, failed: 50 }, nothing)).toBe(1);
    expect(driftOf({ tried: 100, failed: 1 }, { tried: 100, failed: 1 })).toBe(1);
  });
});
