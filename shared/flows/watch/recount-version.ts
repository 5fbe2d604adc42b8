import { type Sighted, sightings } from "../../domain/health/burst.ts";
import { countSpans, type DeliveryCount, noCounts, spanStart } from "../../domain/health/delivery-count.ts";
import { bucketOf } from "../../domain/health/duration-buckets.ts";
import type { Failure } from "../../domain/health/failure.ts";
import { firstAttemptIn, isMissing } from "../../domain/health/first-attempt.ts";
import { addFailures } from "../../domain/health/guard-meter.ts";
import { newWatch, type Watch } from "../../domain/health/watch.ts";
import type { Subject } from "../../domain/subject.ts";
import type { EventStore } from "../../event-store/event-store.ts";
import { customerOf } from "./customer-of.ts";
import { addedTo, type Counted } from "./look-at-version.ts";

/** An event may have waited for so long before its first attempt. */
export const WAITED_MS = 5 * countSpans.minute;

/** Events that are counted again at most; of more the newest. */
const MAX_RECORDS = 50_000;

/** What the ledger says of a watch. `isWhole`: of all of it, and not only of its newest part. */
export type RecountedVersion = { meters: Watch["meters"]; customers: string[]; isWhole: boolean };

/** What counts as missing: what was taken before and has had no outcome. Under the alias of stable it is stable's. */
export type Lacking = { stableAlias: string; takenBefore: Date };

type Lacked = {
  lacked: { own: ReadonlyMap<string, Sighted>; stable: ReadonlyMap<string, Sighted>; customers: string[] };
};

type LedgerEvents = Pick<EventStore, "records" | "deliveriesOf">;

/**
 * Counts a version's first attempts and stable's again from the ledger, exactly, whatever was lost of the counts or was
 * counted twice.
 */
export async function recountVersion(
  events: LedgerEvents,
  watch: Watch,
  stable: string | undefined,
  now: Date,
  lacking: Lacking = { stableAlias: "", takenBefore: new Date(0) },
): Promise<RecountedVersion> {
  const from = new Date(watch.from);
  const all = await counted(events, watch, stable, lacking, from, now);
  if (all.stoppedAt === undefined) return recounted(watch, all.counted, true);
  // As many as were read, at the rate at which they came.
  const spanMs = Math.max(countSpans.minute, all.stoppedAt.getTime() - from.getTime());
  const newest = spanStart(new Date(now.getTime() - spanMs / 2), "minute");
  return recounted(watch, (await counted(events, watch, stable, lacking, newest, now)).counted, false);
}

function recounted(watch: Watch, found: Counted & Lacked, isWhole: boolean): RecountedVersion {
  const { meters } = newWatch(watch, new Date(watch.since), new Date(watch.from));
  const { slow } = watch;
  const { own, stable, customers: lacking } = found.lacked;
  const customers = [...new Set([...found.ownFailures.map(customerOf), ...lacking])];
  const added = addedTo({ meters, ...(slow && { slow }) }, found);
  const missing = addFailures(meters.missing, own, stable);
  return { meters: { ...added, missing }, customers, isWhole };
}

async function counted(
  events: LedgerEvents,
  { component, alias, version }: Watch,
  stable: string | undefined,
  { stableAlias, takenBefore }: Lacking,
  from: Date,
  now: Date,
): Promise<{ counted: Counted & Lacked; stoppedAt?: Date }> {
  const found = { own: tallied(), stable: tallied() };
  const lacked = { own: tallied(), stable: tallied() };
  const seen = new Set<string>();
  let read = 0;
  const window = { from: new Date(from.getTime() - WAITED_MS), to: new Date(now.getTime() + 1) };
  for await (const records of events.records(window, now)) {
    const entries = await events.deliveriesOf([...new Set(records.map(({ eventKey }) => eventKey))]);
    for (const { eventKey, detailType, subject, t0 } of records) {
      for (const entry of entries.get(eventKey) ?? []) {
        if (entry.component !== component || seen.has(entry.deliveryKey)) continue;
        seen.add(entry.deliveryKey);
        const about = { type: detailType, subject, deliveryKey: entry.deliveryKey };
        const lacks = isMissing(entry, takenBefore);
        if (lacks !== undefined && t0 >= from && t0 <= takenBefore) {
          // Of what has had no outcome nobody says which version it was: the alias has pointed at it all the time.
          const place = entry.alias === alias ? "own" : entry.alias === stableAlias ? "stable" : undefined;
          if (place !== undefined) lacked[place].add({ at: t0, outcome: lacks ? "outcome missing" : "done", ...about });
        }
        const first = firstAttemptIn(entry);
        if (first === undefined || first.at < from) continue;
        const place = first.version === version && entry.alias === alias ? "own" : "stable";
        if (place === "stable" && (first.version !== stable || stable === version)) continue;
        found[place].add({ ...first, ...about });
      }
    }
    read += records.length;
    const last = records.at(-1)?.t0;
    if (read >= MAX_RECORDS && last !== undefined)
      return { counted: { ...sums(found), ...lackedIn(lacked) }, stoppedAt: last };
  }
  return { counted: { ...sums(found), ...lackedIn(lacked) } };
}

type Tallied = ReturnType<typeof tallied>;

function lackedIn({ own, stable }: { own: Tallied; stable: Tallied }): Lacked {
  const customers = own.failures.map(customerOf);
  const seen = (all: Tallied) => sightings(all.counts(), all.failures);
  return { lacked: { own: seen(own), stable: seen(stable), customers } };
}

function sums({ own, stable }: { own: Tallied; stable: Tallied }): Counted {
  return {
    own: own.counts(),
    stable: stable.counts(),
    ownFailures: own.failures,
    stableFailures: stable.failures,
  };
}

type FirstAttempt = {
  at: Date;
  outcome: string;
  durationMs?: number;
  type: string;
  subject: Subject;
  deliveryKey: string;
};

/** First attempts by minute and type, as routers count them. */
export function tallied() {
  const counts = new Map<string, DeliveryCount & ReturnType<typeof noCounts>>();
  const failures: Pick<Failure, "at" | "type" | "subject" | "deliveryKey">[] = [];
  return {
    failures,
    counts: (): DeliveryCount[] => [...counts.values()],
    add({ at, outcome, durationMs, type, subject, deliveryKey }: FirstAttempt): void {
      const minute = spanStart(at, "minute");
      const key = `${minute.getTime()} ${type}`;
      const sum = counts.get(key) ?? { component: "", version: "", alias: "", type, at: minute, ...noCounts() };
      counts.set(key, sum);
      sum.firsts += 1;
      if (durationMs !== undefined) {
        sum.durations.set(bucketOf(durationMs), (sum.durations.get(bucketOf(durationMs)) ?? 0) + 1);
      }
      if (outcome === "done") return;
      sum.failed += 1;
      failures.push({ at, type, subject, deliveryKey });
    },
  };
}
