import type { EventRecord } from "../domain/deliveries/delivery.ts";
import { isCalled, isCalledLike } from "../domain/deliveries/record-names.ts";
import { recordsInPages } from "../domain/deliveries/records-in-pages.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import type { EventRecords, NamedLimits, NamedRecords } from "./event-store.ts";

const FIRST_SPAN_MS = 10_000;
const MOST_AT_ONCE = 2_000;

/** Finds them by reading one window before the other, for a store that has nothing quicker. */
export async function namedAmong(
  store: Pick<EventRecords, "records">,
  name: string,
  window: TimeWindow,
  now: Date,
  limits: NamedLimits,
): Promise<NamedRecords> {
  const called: EventRecord[] = [];
  const begun: EventRecord[] = [];
  let looked = 0;
  let end = window.to;
  // Each step goes twice as far back: what was just published is found at once, and quiet days cost nothing.
  for (let spanMs = FIRST_SPAN_MS; end > window.from && looked < limits.looked && called.length === 0; ) {
    const from = new Date(Math.max(window.from.getTime(), end.getTime() - spanMs));
    const most = end.getTime() - from.getTime() > 1 ? MOST_AT_ONCE : Number.POSITIVE_INFINITY;
    const found = await recordsInPages(store.records({ from, to: end }, now), most);
    if (found === undefined) {
      spanMs = Math.max(1, Math.floor((end.getTime() - from.getTime()) / 4));
      continue;
    }
    for (const record of found.reverse()) {
      if (isCalled(record, name)) called.push(record);
      else if (begun.length < limits.found && isCalledLike(record, name)) begun.push(record);
    }
    looked += found.length;
    end = from;
    spanMs *= 2;
  }
  return { records: (called.length > 0 ? called : begun).slice(0, limits.found), from: end };
}
