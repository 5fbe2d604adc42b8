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

type Recounted = ReadonlyMap<SubjectKey, ReadonlyMap<string, Sighted>>;

/**
 * The first attempts of some customers on a version by stretch and type, each one's own, counted from the ledger: no counter
 * knows customers. It is read once for all of them.
 */
export async function recountCustomers(
  events: LedgerEvents,
  watch: Watch,
  whom: readonly SubjectKey[],
  now: Date,
): Promise<Recounted> {
  const from = new Date(watch.from);
  const all = await counted(events, watch, whom, from, now);
  if (all.stoppedAt === undefined) return all.own();
  // As many as were read, at the rate at which they came.
  const spanMs = Math.max(countSpans.minute, all.stoppedAt.getTime() - from.getTime());
  return (await counted(events, watch, whom, new Date(now.getTime() - spanMs / 2), now)).own();
}

async function counted(
  events: LedgerEvents,
  { component, alias, version }: Watch,
  whom: readonly SubjectKey[],
  from: Date,
  now: Date,
): Promise<{ own(): Recounted; stoppedAt?: Date }> {
  const tallies = new Map(whom.map((who) => [who, tallied()]));
  const seen = new Set<string>();
  const own = () => new Map([...tallies].map(([who, { counts, failures }]) => [who, sightings(counts(), failures)]));
  let read = 0;
  const window = { from: new Date(from.getTime() - WAITED_MS), to: new Date(now.getTime() + 1) };
  for await (const records of events.records(window, now)) {
    const those = records.filter(
      ({ components, subject }) => components.includes(component) && whom.some((who) => isAbout(who, subject)),
    );
    const entries = await events.deliveriesOf([...new Set(those.map(({ eventKey }) => eventKey))]);
    for (const { eventKey, detailType, subject } of those) {
      for (const entry of entries.get(eventKey) ?? []) {
        if (entry.component !== component || entry.alias !== alias || seen.has(entry.deliveryKey)) continue;
        seen.add(entry.deliveryKey);
        const first = firstAttemptIn(entry);
        if (first === undefined || first.at < from || first.version !== version) continue;
        const about = { ...first, type: detailType, subject, deliveryKey: entry.deliveryKey };
        for (const [who, tally] of tallies) if (isAbout(who, subject)) tally.add(about);
      }
    }
    read += records.length;
    const last = records.at(-1)?.t0;
    if (read >= MAX_RECORDS && last !== undefined) return { own, stoppedAt: last };
  }
  return { own };
}
