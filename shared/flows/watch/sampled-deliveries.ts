import type { Attempt, EventRecord, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { deliveryKeyOf, LIVE } from "../../domain/deliveries/delivery-key.ts";
import { firstAttemptIn, isMissing } from "../../domain/health/first-attempt.ts";
import type { Subject } from "../../domain/subject.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";

/** A delivery of a stored event whose first attempt has ended, or has had no outcome by its deadline. */
export type SampledDelivery = { record: EventRecord; entry: LedgerEntry; first: Attempt; isMissing?: true };

/** From how many stretches of a window how many records are taken. */
export type Sampling = {
  stretches: number;
  each: number;
  /** Only records of its own count. */
  component?: string;
  /** Those without an outcome too. */
  withMissing?: boolean;
  /** Only records about these do, and so many are looked at in a stretch for want of them. */
  about?: { isOne: (subject: Subject) => boolean; lookedAt: number };
};

export type SampledStore = Pick<EventRecords, "records"> & Pick<DeliveryLedger, "deliveries">;

/** By its deadline alone: nothing of before is still to come. */
const FOR_GOOD = new Date(0);

/** Stretches that are looked into at once. */
const AT_ONCE = 10;

/** A stretch in which a component has hardly any is given up after so many times as many records. */
const LOOKED_AT = 10;

/**
 * Deliveries of a window's records from all over it, each once: all of them where there are no more than are asked for.
 * Some from each stretch of time, which follow each other: the shorter the stretches, the less they have in common. Where
 * nothing was published in some stretches, more is taken from the others.
 * @param random from 0 (inclusive) to 1 (exclusive): where in a stretch it begins
 */
export async function* sampledDeliveries(
  events: SampledStore,
  window: TimeWindow,
  now: Date,
  random: () => number,
  sampling: Sampling,
): AsyncGenerator<SampledDelivery> {
  const seen = new Set<string>();
  const stretches = stretchesOf(window, now, random, sampling.stretches);
  const full = new Set<Stretch>();
  const wanted = sampling.stretches * sampling.each;
  let found = 0;
  for await (const some of looked(events, stretches, now, sampling)) {
    for (const { stretch, records } of some) {
      found += records.length;
      if (records.length >= sampling.each) full.add(stretch);
    }
    yield* deliveriesIn(events, some, seen, sampling);
  }
  if (full.size === 0 || found >= wanted) return;
  const more = { ...sampling, each: sampling.each + Math.ceil((wanted - found) / full.size) };
  for await (const some of looked(events, [...full], now, more)) yield* deliveriesIn(events, some, seen, sampling);
}

type Looked = { stretch: Stretch; records: EventRecord[] };

async function* looked(
  events: SampledStore,
  stretches: readonly Stretch[],
  now: Date,
  sampling: Sampling,
): AsyncGenerator<Looked[]> {
  for (let n = 0; n < stretches.length; n += AT_ONCE) {
    const some = stretches.slice(n, n + AT_ONCE);
    yield await Promise.all(
      some.map(async (stretch) => ({ stretch, records: await recordsIn(events, stretch, now, sampling) })),
    );
  }
}

async function* deliveriesIn(
  events: SampledStore,
  some: readonly Looked[],
  seen: Set<string>,
  { component: only, withMissing }: Sampling,
): AsyncGenerator<SampledDelivery> {
  const wanted = new Map<string, EventRecord>();
  for (const record of some.flatMap(({ records }) => records)) {
    for (const component of record.components) {
      const key = deliveryKeyOf(component, record.eventKey, LIVE);
      if (seen.has(key) || component !== (only ?? component)) continue;
      seen.add(key);
      wanted.set(key, record);
    }
  }
  for (const entry of await events.deliveries([...wanted.keys()])) {
    const record = entry === undefined ? undefined : wanted.get(entry.deliveryKey);
    // The same key may have come with another payload, which was refused.
    if (entry === undefined || record?.payloadHash !== entry.payloadHash) continue;
    const first = firstAttemptIn(entry);
    if (first !== undefined) yield { record, entry, first };
    else if (withMissing && isMissing(entry, FOR_GOOD)) {
      const [missing] = entry.attempts.filter(({ outcome }) => outcome === "outcome missing");
      if (missing !== undefined) yield { record, entry, first: missing, isMissing: true };
    }
  }
}

/** A stretch, and where in it is begun: what comes before that is looked at last. */
type Stretch = { from: Date; begin: Date; to: Date };

function stretchesOf({ from, to }: TimeWindow, now: Date, random: () => number, count: number): Stretch[] {
  const [first, last] = [from.getTime(), Math.min(to.getTime(), now.getTime() + 1)];
  const length = (last - first) / count;
  if (length <= 0) return [];
  return Array.from({ length: count }, (_, n) => {
    const [begins, ends] = [Math.floor(first + n * length), Math.floor(first + (n + 1) * length)];
    const somewhere = Math.floor(begins + random() * (ends - begins));
    return { from: new Date(begins), begin: new Date(somewhere), to: new Date(ends) };
  });
}

async function recordsIn(
  events: Pick<EventRecords, "records">,
  { from, begin, to }: Stretch,
  now: Date,
  sampling: Sampling,
): Promise<EventRecord[]> {
  const records = await firstOf(events, { from: begin, to }, now, sampling.each, sampling);
  const left = sampling.each - records.length;
  if (left > 0) records.push(...(await firstOf(events, { from, to: begin }, now, left, sampling)));
  return records;
}

async function firstOf(
  events: Pick<EventRecords, "records">,
  window: TimeWindow,
  now: Date,
  limit: number,
  { component, about }: Sampling,
): Promise<EventRecord[]> {
  if (window.from >= window.to) return [];
  const isWanted = ({ components, subject }: EventRecord) =>
    (component === undefined || components.includes(component)) && (about?.isOne(subject) ?? true);
  const found: EventRecord[] = [];
  let looked = 0;
  for await (const page of events.records(window, now, about === undefined ? limit : Math.min(about.lookedAt, 100))) {
    found.push(...page.filter(isWanted));
    looked += page.length;
    if (found.length >= limit || looked >= (about?.lookedAt ?? LOOKED_AT * limit)) break;
  }
  return found.slice(0, limit);
}
