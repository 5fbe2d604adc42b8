import { type DeliveryCount, spanStart } from "./delivery-count.ts";
import type { Stratum, Tried } from "./evidence.ts";
import type { Failure } from "./failure.ts";

/** What a version did in one stretch with one type of events, and whom it failed for. */
export type Sighted = Tried & { bursts: number; listed: number };

/**
 * First attempts by stretch and type. What one customer's events of a type did within a minute is one burst: they fail
 * together, and say no more than one of them.
 */
export function sightings(
  counts: readonly DeliveryCount[],
  failures: readonly Pick<Failure, "at" | "type" | "subject" | "deliveryKey">[],
): Map<string, Sighted> {
  const found = new Map<string, Sighted>();
  for (const { at, type, firsts, failed } of counts) {
    const key = stretchKey(at, type);
    const { tried, failed: before } = found.get(key) ?? { tried: 0, failed: 0 };
    found.set(key, { tried: tried + firsts, failed: before + failed, bursts: 0, listed: 0 });
  }
  const seen = new Set<string>();
  for (const { at, type, subject, deliveryKey } of failures) {
    const minute = spanStart(at, "minute");
    const sighted = found.get(stretchKey(minute, type)) ?? found.get(stretchKey(spanStart(at, "hour"), type));
    if (sighted === undefined) continue;
    const who = subject.customer ?? subject.project ?? deliveryKey;
    const burst = `${minute.getTime()} ${type} ${who}`;
    sighted.listed += 1;
    if (!seen.has(burst)) sighted.bursts += 1;
    seen.add(burst);
  }
  return found;
}

function stretchKey(at: Date, type: string): string {
  return `${at.getTime()} ${type}`;
}

/** The strata in which a version was tried. What isn't listed counts against stable alone: nobody is blamed for it. */
export function strataOf(own: ReadonlyMap<string, Sighted>, stable: ReadonlyMap<string, Sighted>): Stratum[] {
  return [...own].map(([key, { tried, bursts }]) => {
    const other = stable.get(key) ?? { tried: 0, failed: 0, bursts: 0, listed: 0 };
    const unlisted = Math.max(0, other.failed - other.listed);
    return { candidate: { tried, failed: bursts }, stable: { tried: other.tried, failed: other.bursts + unlisted } };
  });
}

/**
 * All of it together, each burst once: what failed together counts as one, and so does what was tried with it, so that
 * the share of failures stays.
 */
export function triedIn(sighted: Iterable<Sighted>): Tried {
  let [tried, failed] = [0, 0];
  for (const one of sighted) {
    tried += one.failed === 0 ? one.tried : (one.tried * one.bursts) / one.failed;
    failed += one.bursts;
  }
  return { tried, failed };
}
