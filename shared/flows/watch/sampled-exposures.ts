import { deliveryKeyOf, LIVE } from "../../domain/deliveries/delivery-key.ts";
import { firstAttemptIn } from "../../domain/health/first-attempt.ts";
import type { Subject } from "../../domain/subject.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";

/** A first attempt that was looked at to see who a version's events are about. */
export type Exposure = { component: string; version: string; alias: string; subject: Subject };

/** Stretches of a window that are looked into, and records taken from each. */
const STRETCHES = 40;
const RECORDS_EACH = 50;

/**
 * Some 2,000 of a window's records, from all over it: whose deliveries the components' versions have run. All of them
 * where there are no more.
 * @param random from 0 (inclusive) to 1 (exclusive): where in a stretch it begins
 */
export async function sampledExposures(
  events: Pick<EventRecords, "records"> & Pick<DeliveryLedger, "deliveries">,
  window: TimeWindow,
  now: Date,
  random: () => number,
): Promise<Exposure[]> {
  const from = window.from.getTime();
  const to = Math.min(window.to.getTime(), now.getTime() + 1);
  const stretchMs = (to - from) / STRETCHES;
  const exposures: Exposure[] = [];
  for (let n = 0; n < STRETCHES; n++) {
    const [begins, ends] = [from + n * stretchMs, from + (n + 1) * stretchMs].map(Math.floor) as [number, number];
    const somewhere = Math.floor(begins + random() * (ends - begins));
    const records = await firstOf(events, { from: new Date(somewhere), to: new Date(ends) }, now, RECORDS_EACH);
    const left = RECORDS_EACH - records.length;
    const before = { from: new Date(begins), to: new Date(somewhere) };
    if (left > 0 && somewhere > begins) records.push(...(await firstOf(events, before, now, left)));
    const wanted = records.flatMap(({ components, eventKey, subject }) =>
      components.map((component) => ({ subject, key: deliveryKeyOf(component, eventKey, LIVE) })),
    );
    const distinct = new Map(wanted.map(({ key, subject }) => [key, subject]));
    const entries = await events.deliveries([...distinct.keys()]);
    for (const entry of entries) {
      const first = entry === undefined ? undefined : firstAttemptIn(entry);
      if (entry === undefined || first === undefined) continue;
      const { component, alias, deliveryKey } = entry;
      exposures.push({ component, version: first.version ?? "", alias, subject: distinct.get(deliveryKey) ?? {} });
    }
  }
  return exposures;
}

async function firstOf(events: Pick<EventRecords, "records">, window: TimeWindow, now: Date, limit: number) {
  if (window.from >= window.to) return [];
  for await (const page of events.records(window, now, limit)) return page.slice(0, limit);
  return [];
}
