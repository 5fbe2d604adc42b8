import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUCKET_BOUNDS_MS, bucketOf, quantileMs } from "../../../shared/domain/health/duration-buckets.ts";

function counted(durations: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const ms of durations) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1);
  return counts;
}

describe("durations in buckets", () => {
  it("a duration lies in the first bucket whose bound it is within", () => {
    expect([0, 1, 1.2, 900_000, 900_001].map(bucketOf)).toEqual([0, 0, 1, 36, 37]);
    const any = fc.double({ min: 0, max: 2_000_000, noNaN: true });
    fc.assert(
      fc.property(any, (ms) => {
        const found = BUCKET_BOUNDS_MS.findIndex((bound) => ms <= bound);
        expect(bucketOf(ms)).toBe(found < 0 ? BUCKET_BOUNDS_MS.length : found);
      }),
    );
  });

  it("keep their places for ever: stored counts name them", () => {
    expect([5, 100, 1_000, 60_000].map(bucketOf)).toEqual([4, 12, 18, 29]);
    const decade = (ms: number) => [1, 1.5, 2, 3, 5, 7].map((each) => each * ms);
    const decades = [1, 10, 100, 1_000, 10_000, 100_000].flatMap(decade);
    expect(BUCKET_BOUNDS_MS).toEqual([...decades, 900_000]);
  });

  it("say a quantile within the bounds of the bucket that it really lies in", () => {
    const any = fc.array(fc.double({ min: 0, max: 900_000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(any, fc.constantFrom(0.5, 0.95, 1), (durations, share) => {
        const real = durations.toSorted((a, b) => a - b)[Math.ceil(share * durations.length) - 1] ?? 0;
        const bucket = bucketOf(real);
        const told = quantileMs(counted(durations), share) ?? Number.NaN;
        expect(told).toBeGreaterThanOrEqual(BUCKET_BOUNDS_MS[bucket - 1] ?? 0);
        expect(told).toBeLessThanOrEqual(BUCKET_BOUNDS_MS[bucket] ?? Infinity);
      }),
    );
  });

  it("say the last bound of what lies past it, and the middle of a bucket of half of those in it", () => {
    expect(quantileMs(counted([2_000_000]), 0.5)).toBe(900_000);
    expect(quantileMs(counted([4, 4]), 0.5)).toBe(4);
    expect(quantileMs(counted([4, 4]), 1)).toBe(5);
    expect(quantileMs(counted([0.5]), 1)).toBe(1);
  });

  it("say where the shortest begin for a share of nothing", () => {
    expect(quantileMs(counted([4, 900]), 0)).toBe(3);
  });

  it("say nothing of none", () => {
    expect(quantileMs(new Map(), 0.5)).toBeUndefined();
  });
});
