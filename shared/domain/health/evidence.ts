/** First attempts, and how many of them failed. */
export type Tried = { tried: number; failed: number };

/** What a version and the one that it is compared with did with events of one type in one minute. */
export type Stratum = { candidate: Tried; stable: Tried };

/** How many times as often it may fail, or has come to. */
const RATIOS = [1.5, 2, 3, 5, 10, 30];

/** Rates of failure that it may have come to. */
const RATES = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8];

/** What is known of before tells a version that fails so often from one that doesn't, or none at all. */
export const HIGHEST_RATE = Math.max(...RATES);

/** A version that fails up to so many times as often as stable isn't called worse. */
const TOLERANCE = 1.25;

/**
 * Evidence that a version fails more often than stable does at the same time with the same type of events: the logarithm
 * of an E-value. Of a version that doesn't it is a supermartingale, so that it ever exceeds ln(1/α) with a probability of
 * at most α, however often it is looked at (Ville 1939). Given how many failed in a stratum, those of the candidate are
 * hypergeometric, and the mean of r^x at most the binomial's (Hoeffding 1963).
 * @param tolerance up to so many times as often as stable it may fail
 */
export function worseThanStable(strata: Iterable<Stratum>, tolerance = TOLERANCE): number {
  return logOfMean(ratioSums(strata, [], tolerance));
}

/** What `worseThanStable` is the mean of, a logarithm per ratio. Sums of some strata and of others add up to those of all. */
export function ratioSums(
  strata: Iterable<Stratum>,
  before: readonly number[] = [],
  tolerance: number = TOLERANCE,
): number[] {
  const sums = RATIOS.map((_, n) => before[n] ?? 0);
  for (const { candidate, stable } of strata) {
    const both = candidate.tried + stable.tried;
    const failed = candidate.failed + stable.failed;
    if (failed === 0 || candidate.tried === 0) continue;
    const share = candidate.tried / both;
    const tolerated = (tolerance * share) / (tolerance * share + 1 - share);
    for (const [n, ratio] of RATIOS.entries()) {
      sums[n] = (sums[n] ?? 0) + stratumEvidence(candidate.failed, failed, tolerated, ratio);
    }
  }
  return sums;
}

/** The logarithm of one factor: of r^x over what its mean is at most. */
export function stratumEvidence(failed: number, failedInAll: number, share: number, ratio: number): number {
  return failed * Math.log(ratio) - failedInAll * Math.log(ratio * share + 1 - share);
}

/**
 * The highest rate of failure that what was seen before still speaks for: max v with n·KL(x/n, v) ≤ ln(1/δ). 1 where
 * nothing was seen.
 */
export function baseRateBound({ tried, failed }: Tried, delta: number): number {
  if (tried === 0) return 1;
  const rate = failed / tried;
  const most = Math.log(1 / delta) / tried;
  let [low, high] = [rate, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (divergence(rate, middle) <= most) low = middle;
    else high = middle;
  }
  return low;
}

/** Kullback-Leibler, of a coin of rate p from one of rate q. */
function divergence(p: number, q: number): number {
  const term = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b));
  return term(p, q) + term(1 - p, 1 - q);
}

/**
 * Evidence that deliveries fail more often than they did before: the logarithm of an E-value, as that of `worseThanStable`.
 * @param bound the highest rate that they had before, of `baseRateBound`; where no higher one is looked for there is none
 */
export function worseThanBefore({ tried, failed }: Tried, bound: number): number {
  // A rate that was never above nothing is looked at as if it had been above very little.
  const before = Math.max(bound, 1e-9);
  const sums = RATES.filter((rate) => rate > before).map(
    (rate) => failed * Math.log(rate / before) + (tried - failed) * Math.log((1 - rate) / (1 - before)),
  );
  return sums.length === 0 ? 0 : logOfMean(sums);
}

/** So much doubt is left of what others' rate was at most before. It only ever speaks for a version. */
const DRIFT_DELTA = 0.05;

/**
 * How many times as often as before those fail whom a version hasn't come to: d = max(1, (x_s / n_s) / v), where v is the
 * highest rate that what was before still speaks for, so that chance is no drift. Not stable's highest now over its share
 * before: that is well above 1 while stable has done little, and of 400 simulated versions that failed three times as
 * often 2 were found with it, 378 with this.
 * @param now stable's, with the version's share of each type and minute
 */
export function driftOf(now: Tried, before: Tried): number {
  if (now.tried === 0 || before.tried === 0) return 1;
  return Math.max(1, now.failed / now.tried / baseRateBound(before, DRIFT_DELTA));
}

export function logOfMean(logs: readonly number[]): number {
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length);
}
