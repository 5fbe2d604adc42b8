import { countSpans, type DeliveryCount, noCounts, spanStart } from "../../domain/health/delivery-count.ts";
import { bucketOf } from "../../domain/health/duration-buckets.ts";
import type { Failure } from "../../domain/health/failure.ts";
import { firstAttemptIn } from "../../domain/health/first-attempt.ts";
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
): Promise<RecountedVersion> {
  const from = new Date(watch.from);
  const all = await counted(events, watch, stable, from, now);
  if (all.stoppedAt === undefined) return recounted(watch, all.counted, true);
  // As many as were read, at the rate at which they came.
  const spanMs = Math.max(countSpans.minute, all.stoppedAt.getTime() - from.getTime());
  const newest = spanStart(new Date(now.getTime() - spanMs / 2), "minute");
  return recounted(watch, (await counted(events, watch, stable, newest, now)).counted, false);
}

function recounted(watch: Watch, found: Counted, isWhole: boolean): RecountedVersion {
  const { meters } = newWatch(watch, new Date(watch.since), new Date(watch.from));
  const { slow } = watch;
  const customers = [...new Set(found.ownFailures.map(customerOf))];
  return { meters: addedTo({ meters, ...(slow && { slow }) }, found), customers, isWhole };
}

async function counted(
  events: LedgerEvents,
  { component, alias, version }: Watch,
  stable: string | undefined,
  from: Date,
  now: Date,
): Promise<{ counted: Counted; stoppedAt?: Date }> {
  const found = { own: tallied(), stable: tallied() };
  const seen = new Set<string>();
  let read = 0;
  const window = { from: new Date(from.getTime() - WAITED_MS), to: new Date(now.getTime() + 1) };
  for await (const records of events.records(window, now)) {
    const entries = await events.deliveriesOf([...new Set(records.map(({ eventKey }) => eventKey))]);
    for (const { eventKey, detailType, subject } of records) {
      for (const entry of entries.get(eventKey) ?? []) {
        if (entry.component !== component || seen.has(entry.deliveryKey)) continue;
        seen.add(entry.deliveryKey);
        const first = firstAttemptIn(entry);
        if (first === undefined || first.at < from) continue;
        const place = first.version === version && entry.alias === alias ? "own" : "stable";
        if (place === "stable" && (first.version !== stable || stable === version)) continue;
        found[place].add({ ...first, type: detailType, subject, deliveryKey: entry.deliveryKey });
      }
    }
    read += records.length;
    const last = records.at(-1)?.t0;
    if (read >= MAX_RECORDS && last !== undefined) return { counted: sums(found), stoppedAt: last };
  }
  return { counted: sums(found) };
}

type Tallied = ReturnType<typeof tallied>;

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
