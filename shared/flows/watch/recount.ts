import type { Tried } from "../../domain/health/evidence.ts";
import { firstAttemptIn } from "../../domain/health/first-attempt.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";

/** First attempts of a component's version, as the ledger has them. */
export type Recounted = Tried & { component: string; version: string };

/**
 * Counts the first attempts of the events that arrived in the window anew, from the ledger: exactly, whatever was lost of
 * the counts. It reads every one of them.
 */
export async function recount(
  events: StoredEvents,
  window: TimeWindow,
  now: Date,
  component?: string,
): Promise<Recounted[]> {
  const found = new Map<string, Recounted>();
  const seen = new Set<string>();
  for await (const records of events.records(window, now)) {
    const keys = [...new Set(records.map(({ eventKey }) => eventKey))];
    const entries = await events.deliveriesOf(keys);
    for (const entry of [...entries.values()].flat()) {
      if ((component !== undefined && entry.component !== component) || seen.has(entry.deliveryKey)) continue;
      // A delivery counts with the record that it was claimed for, also where its event has come several times.
      seen.add(entry.deliveryKey);
      const first = firstAttemptIn(entry);
      if (first === undefined) continue;
      const { version = "" } = first;
      const key = JSON.stringify([entry.component, version]);
      const sum = found.get(key) ?? { component: entry.component, version, tried: 0, failed: 0 };
      const failed = first.outcome === "done" ? 0 : 1;
      found.set(key, { ...sum, tried: sum.tried + 1, failed: sum.failed + failed });
    }
  }
  return [...found.values()].toSorted((a, b) =>
    `${a.component} ${a.version}`.localeCompare(`${b.component} ${b.version}`, "en", { numeric: true }),
  );
}
