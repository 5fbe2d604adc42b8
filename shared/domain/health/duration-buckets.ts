/**
 * Upper bounds of the buckets that durations are counted in, in ms; the last bucket has none. Each is at most half as
 * long again as the one before, and a stored count names a bucket by its place: bounds are added at the end only.
 */
export const BUCKET_BOUNDS_MS: readonly number[] = [
  1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000,
  10_000, 15_000, 20_000, 30_000, 50_000, 70_000, 100_000, 150_000, 200_000, 300_000, 500_000, 700_000, 900_000,
];

/** How many durations lie in which bucket, by the bucket's place; one that is left out has none. */
export type DurationCounts = ReadonlyMap<number, number>;

/** The place of the bucket that a duration lies in. */
export function bucketOf(durationMs: number): number {
  let low = 0;
  let high = BUCKET_BOUNDS_MS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (durationMs <= (BUCKET_BOUNDS_MS[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The duration that a share of all stays within, in ms: as if those of a bucket lay evenly between its bounds. Undefined
 * where there are none. Of those past the last bound nothing is known but that, so the bound stands for them.
 * @param share from 0 to 1, e.g. 0.95
 */
export function quantileMs(counts: DurationCounts, share: number): number | undefined {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const wanted = share * total;
  let before = 0;
  for (const [bucket, bound] of [...BUCKET_BOUNDS_MS, Infinity].entries()) {
    const count = counts.get(bucket) ?? 0;
    if (count > 0 && before + count >= wanted) {
      const from = BUCKET_BOUNDS_MS[bucket - 1] ?? 0;
      const to = bound === Infinity ? from : bound;
      return from + (to - from) * Math.max(0, (wanted - before) / count);
    }
    before += count;
  }
  return BUCKET_BOUNDS_MS.at(-1);
}
