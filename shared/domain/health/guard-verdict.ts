import * as z from "zod/mini";
import {
  baseRateBound,
  driftOf,
  HIGHEST_RATE,
  logOfMean,
  type Tried,
  worseThanBefore,
  worseThanStable,
} from "./evidence.ts";
import { type GuardMetric, guardMetrics, type Meter } from "./guard-meter.ts";
import { ACT_ALPHA, LEAST_CUSTOMERS, LEAST_FAILURES, WARN_ALPHA } from "./verdict.ts";

/** As logarithms to the base of 10, as evidence is told. Each metric is a chance of its own to be wrong. */
export const ACT_AT = -Math.log10(ACT_ALPHA / guardMetrics.length);
export const WARN_AT = -Math.log10(WARN_ALPHA / guardMetrics.length);

/** A host that is new is slow for a moment: slowness counts once it has shown in so many stretches, so many times. */
const LEAST_SLOW = { stretches: 5, times: 20 };

/** What a version is to be found out about, in the words of `neededFor`. */
const SHOWN_TIMES = 10;

/** Beside one that never fails: ten times as often as one in 100 is one in ten. */
const LEAST_RATE = 0.01;

const Counted = z.object({ tried: z.number(), failed: z.number() });

export const MetricVerdict = z.object({
  metric: z.enum(guardMetrics),
  /** First attempts of the version, and how many of them failed, were slow, or had no outcome. */
  own: Counted,
  /** Of stable in the same minutes with the same types. */
  stable: Counted,
  /** Of the same subjects before they came to it; left out where nothing is known of that. */
  before: z.optional(Counted),
  /** Logarithms of E-values to the base of 10; left out where there is nothing to compare with. */
  worseThanStable: z.optional(z.number()),
  worseThanBefore: z.optional(z.number()),
  level: z.enum(["ok", "warn", "act"]),
});
export type MetricVerdict = z.infer<typeof MetricVerdict>;

/**
 * What a guard says of a version. `worse`: than stable now and than before, beyond doubt. `healthy so far`: had it failed
 * ten times as often as stable, it had been noticed. `no verdict`: not yet, or there is something that a person should
 * look at.
 */
export const GuardVerdict = z.object({
  says: z.enum(["healthy so far", "no verdict", "worse"]),
  metrics: z.array(MetricVerdict),
  /** About so many more deliveries would show a version that fails ten times as often; null where none would. */
  more: z.nullable(z.number()),
});
export type GuardVerdict = z.infer<typeof GuardVerdict>;

/** What a guard knows of a version. */
export type Known = {
  meters: Readonly<Record<GuardMetric, Meter>>;
  before: { readonly [metric in GuardMetric]?: Tried };
  /** What of others failed in the time of `before`, with its share of each type; left out where nothing is known of it. */
  othersBefore?: Tried;
  customersAffected: number;
};

/** @param isMany whether three customers or more are on it: then one alone doesn't judge it */
export function guardVerdict(known: Known, isMany: boolean): GuardVerdict {
  const { meters, before, othersBefore, customersAffected } = known;
  const isAlone = isMany && customersAffected < LEAST_CUSTOMERS;
  const metrics = guardMetrics.map((metric) => {
    const drift = metric === "failed" && othersBefore !== undefined ? driftIn(meters.failed, othersBefore) : 1;
    return judge(metric, meters[metric], before[metric], drift, isAlone);
  });
  const more = moreNeeded(meters.failed, before.failed);
  if (metrics.some(({ level }) => level === "act")) return { says: "worse", metrics, more: 0 };
  const isClear =
    more === 0 &&
    metrics.every(({ level }) => level === "ok") &&
    !isSuspect(meters.failed, before.failed) &&
    !isSuspect(meters.missing, before.missing);
  return { says: isClear ? "healthy so far" : "no verdict", metrics, more };
}

function driftIn({ own, expected }: Meter, othersBefore: Tried): number {
  return driftOf({ tried: own.tried, failed: expected }, othersBefore);
}

/**
 * Formula B with the bound u·d: where stable's customers fail d times as often as before, the version's may as well, and
 * that is no evidence against it. Customers who fail more than the rest belie formula A, and such a drift belied B, so that
 * healthy versions were stopped with both. Never more than with u: what keeps those from being stopped still holds.
 */
function sinceBefore(bursts: Tried, before: Tried, drift: number): number {
  const bound = baseRateBound(before, ACT_ALPHA / 10);
  return Math.min(worseThanBefore(bursts, bound), worseThanBefore(bursts, Math.min(1, bound * drift)));
}

function judge(
  metric: GuardMetric,
  meter: Meter,
  before: Tried | undefined,
  drift: number,
  isAlone: boolean,
): MetricVerdict {
  const { own, bursts, stable, sums } = meter;
  const now = stable.tried === 0 ? undefined : logOfMean(sums) / Math.LN10;
  const isKnown = before !== undefined && before.tried > 0;
  const earlier = isKnown ? sinceBefore(bursts, before, drift) / Math.LN10 : undefined;
  const told = {
    ...{ metric, own, stable },
    ...(isKnown && { before }),
    ...(now !== undefined && { worseThanStable: now }),
    ...(earlier !== undefined && { worseThanBefore: earlier }),
  };
  const known = [now, earlier].filter((evidence) => evidence !== undefined);
  if (known.length === 0 || isTooFew(metric, meter) || (metric !== "slower" && isAlone))
    return { ...told, level: "ok" };
  const least = Math.min(...known);
  if (known.length === 2 && least >= ACT_AT) return { ...told, level: "act" };
  return { ...told, level: least >= WARN_AT ? "warn" : "ok" };
}

/**
 * Whether the evidence speaks against it at all, be it weakly, when every delivery counts and not every burst. It may be
 * chance, or one outage of its customers, so that nothing is done about it; but nobody calls the version healthy. A
 * healthy one is held by this for a while; of those that fail ten times as often as stable 1 in 30 isn't, measured with
 * rates of stable from 0 to 2 %.
 */
function isSuspect({ own, stable }: Meter, before: Tried | undefined): boolean {
  const known = [
    ...(stable.tried === 0 ? [] : [worseThanStable([{ candidate: own, stable }])]),
    ...(before === undefined || before.tried === 0
      ? []
      : [worseThanBefore(own, baseRateBound(before, ACT_ALPHA / 10))]),
  ];
  return known.length > 0 && Math.min(...known) > 0;
}

function isTooFew(metric: GuardMetric, { bursts, stretches }: Meter): boolean {
  if (metric !== "slower") return bursts.failed < LEAST_FAILURES;
  return stretches < LEAST_SLOW.stretches || bursts.failed < LEAST_SLOW.times;
}

/** How strong the evidence is that counts, to the base of 10; undefined where one of the two can't be told. */
export function leastEvidence({ worseThanStable: now, worseThanBefore: before }: MetricVerdict): number | undefined {
  return now === undefined || before === undefined ? undefined : Math.min(now, before);
}

function moreNeeded({ own, stable }: Meter, before: Tried | undefined): number | null {
  const needed = neededFor(SHOWN_TIMES, own.tried, stable, before);
  return needed === null ? null : Math.max(0, Math.ceil(needed - own.tried));
}

/**
 * After how many deliveries in all one would expect to see that a version fails so many times as often as stable; null
 * where that can't be seen, as nothing has run beside it, or so little is known of before.
 */
function neededFor(times: number, tried: number, stable: Tried, before: Tried | undefined): number | null {
  if (stable.tried === 0) return null;
  const rate = Math.max(LEAST_RATE, stable.failed / stable.tried);
  const failing = Math.min(1, times * rate);
  // Evidence of a thousand deliveries, as they would come: it grows evenly but for what the six rates share.
  const many = 1_000;
  const beside = (many * stable.tried) / Math.max(1, tried);
  const stratum = {
    candidate: { tried: many, failed: many * failing },
    stable: { tried: beside, failed: (beside * stable.failed) / stable.tried },
  };
  const gains = [worseThanStable([stratum])];
  if (before !== undefined && before.tried > 0) {
    const bound = baseRateBound(before, ACT_ALPHA / 10);
    if (bound >= HIGHEST_RATE) return null;
    gains.push(worseThanBefore(stratum.candidate, bound));
  }
  const least = Math.min(...gains) + Math.log(6);
  if (least <= 0) return null;
  return Math.max(LEAST_FAILURES / failing, (many * (ACT_AT * Math.LN10 + Math.log(6))) / least);
}
