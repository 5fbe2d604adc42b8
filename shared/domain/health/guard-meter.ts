import * as z from "zod/mini";
import { type Sighted, strataOf, triedIn } from "./burst.ts";
import type { DeliveryCount } from "./delivery-count.ts";
import { bucketOf } from "./duration-buckets.ts";
import { ratioSums, type Stratum, type Tried } from "./evidence.ts";

/**
 * What of a version a guard looks at: whether it fails, whether it is slower than nearly all that stable does, and whether
 * it gives no outcome of what it took to work on later, long after stable would have.
 */
export const guardMetrics = ["failed", "slower", "missing"] as const;
export type GuardMetric = (typeof guardMetrics)[number];

const TriedSchema = z.object({ tried: z.number(), failed: z.number() });

/** What a guard has added up of one metric. Meters of one stretch and of the next add up to the meter of both. */
export const Meter = z.object({
  /** First attempts of the version, as they were counted. */
  own: TriedSchema,
  /** The same with each burst once. */
  bursts: TriedSchema,
  stable: TriedSchema,
  /** So many would have failed had the version failed as often as stable did with the same type in the same minute. */
  expected: z._default(z.number(), 0),
  /** Of `worseThanStable`, by ratio. */
  sums: z.array(z.number()),
  /** Stretches in which something has failed. */
  stretches: z.number(),
});
export type Meter = z.infer<typeof Meter>;

const nothing: Tried = { tried: 0, failed: 0 };

export const emptyMeter: Meter = {
  own: nothing,
  bursts: nothing,
  stable: nothing,
  expected: 0,
  sums: [],
  stretches: 0,
};

/** Failures of the version and of stable in some stretches, on top of what was added up before. */
export function addFailures(
  meter: Meter,
  own: ReadonlyMap<string, Sighted>,
  stable: ReadonlyMap<string, Sighted>,
): Meter {
  const beside = [...own.keys()].flatMap((key) => stable.get(key) ?? []);
  const strata = strataOf(own, stable);
  return {
    own: sum(meter.own, rawIn(own.values())),
    bursts: sum(meter.bursts, triedIn(own.values())),
    stable: sum(meter.stable, rawIn(beside)),
    expected: meter.expected + expectedIn(strata),
    sums: ratioSums(strata, meter.sums),
    stretches: meter.stretches + [...own.values()].filter(({ failed }) => failed > 0).length,
  };
}

/** The same of what has taken longer than `aboveMs`. */
export function addSlow(
  meter: Meter,
  own: readonly DeliveryCount[],
  stable: readonly DeliveryCount[],
  aboveMs: number,
): Meter {
  const [mine, others] = [slowByStretch(own, aboveMs), slowByStretch(stable, aboveMs)];
  const strata = [...mine].map(([key, candidate]): Stratum => ({ candidate, stable: others.get(key) ?? nothing }));
  const counted = strata.reduce((total, { candidate }) => sum(total, candidate), nothing);
  return {
    own: sum(meter.own, counted),
    bursts: sum(meter.bursts, counted),
    stable: strata.reduce((total, one) => sum(total, one.stable), meter.stable),
    expected: meter.expected + expectedIn(strata),
    sums: ratioSums(strata, meter.sums),
    stretches: meter.stretches + strata.filter(({ candidate }) => candidate.failed > 0).length,
  };
}

/** How many durations lie above a bound, which is taken for its bucket's. */
export function slowIn(durations: ReadonlyMap<number, number>, aboveMs: number): Tried {
  const bound = bucketOf(aboveMs);
  let [tried, failed] = [0, 0];
  for (const [bucket, count] of durations) {
    tried += count;
    if (bucket > bound) failed += count;
  }
  return { tried, failed };
}

function slowByStretch(counts: readonly DeliveryCount[], aboveMs: number): Map<string, Tried> {
  const found = new Map<string, Tried>();
  for (const { at, type, durations } of counts) {
    const key = `${at.getTime()} ${type}`;
    found.set(key, sum(found.get(key) ?? nothing, slowIn(durations, aboveMs)));
  }
  return found;
}

function expectedIn(strata: readonly Stratum[]): number {
  const shareOf = ({ tried, failed }: Tried) => (tried === 0 ? 0 : Math.min(1, failed / tried));
  return strata.reduce((total, { candidate, stable }) => total + candidate.tried * shareOf(stable), 0);
}

function rawIn(sighted: Iterable<Sighted>): Tried {
  let total = nothing;
  for (const one of sighted) total = sum(total, one);
  return total;
}

function sum(a: Tried, b: Tried): Tried {
  return { tried: a.tried + b.tried, failed: a.failed + b.failed };
}
