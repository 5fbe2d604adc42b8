import { type Sighted, sightings } from "../../domain/health/burst.ts";
import { isAbout } from "../../domain/health/customer-verdict.ts";
import { countSpans } from "../../domain/health/delivery-count.ts";
import { firstAttemptIn } from "../../domain/health/first-attempt.ts";
import type { Watch } from "../../domain/health/watch.ts";
import type { SubjectKey } from "../../domain/subject.ts";
import type { EventStore } from "../../event-store/event-store.ts";
import { tallied, WAITED_MS } from "./recount-version.ts";

/** Events that are looked through at most for those of one; of more the newest. */
const MAX_RECORDS = 50_000;

type LedgerEvents = Pick<EventStore, "records" | "deliveriesOf">;

/** One customer's first attempts on a version by stretch and type, counted from the ledger: no counter knows customers. */
export async function recountCustomer(
  events: LedgerEvents,
  watch: Watch,
  who: SubjectKey,
  now: Date,
): Promise<ReadonlyMap<string, Sighted>> {
  const from = new Date(watch.from);
  const all = await counted(events, watch, who, from, now);
  if (all.stoppedAt === undefined) return all.own();
  // As many as were read, at the rate at which they came.
  const spanMs = Math.max(countSpans.minute, all.stoppedAt.getTime() - from.getTime());
  return (await counted(events, watch, who, new Date(now.getTime() - spanMs / 2), now)).own();
}

async function counted(
  events: LedgerEvents,
  { component, alias, version }: Watch,
  who: SubjectKey,
  from: Date,
  now: Date,
): Promise<{ own(): Map<string, Sighted>; stoppedAt?: Date }> {
  const tally = tallied();
  const seen = new Set<string>();
  const own = () => sightings(tally.counts(), tally.failures);
  let read = 0;
  const window = { from: new Date(from.getTime() - WAITED_MS), to: new Date(now.getTime() + 1) };
  for await (const records of events.records(window, now)) {
    const those = records.filter(({ components, subject }) => components.includes(component) && isAbout(who, subject));
    const entries = await events.deliveriesOf([...new Set(those.map(({ eventKey }) => eventKey))]);
    for (const { eventKey, detailType, subject } of those) {
      for (const entry of entries.get(eventKey) ?? []) {
        if (entry.component !== component || entry.alias !== alias || seen.has(entry.deliveryKey)) continue;
        seen.add(entry.deliveryKey);
        const first = firstAttemptIn(entry);
        if (first === undefined || first.at < from || first.version !== version) continue;
        tally.add({ ...first, type: detailType, subject, deliveryKey: entry.deliveryKey });
      }
    }
    read += records.length;
    const last = records.at(-1)?.t0;
    if (read >= MAX_RECORDS && last !== undefined) return { own, stoppedAt: last };
  }
  return { own };
}
