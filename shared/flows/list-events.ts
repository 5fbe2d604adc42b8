import { type EventOutcome, type OutcomeFilter, outcomesOf, passes } from "../domain/event-outcome.ts";
import type { TimeWindow } from "../domain/time-window.ts";
import type { EventStore } from "../event-store/event-store.ts";

/** What arrived in a window and what became of it, oldest first, a page of records at a time. */
export async function* listEvents(
  events: Pick<EventStore, "records" | "deliveriesOf">,
  window: TimeWindow,
  filter: OutcomeFilter,
  now: Date,
): AsyncIterable<EventOutcome[]> {
  for await (const records of events.records(window, now)) {
    const entries = await events.deliveriesOf([...new Set(records.map(({ eventKey }) => eventKey))]);
    const outcomes = records
      .flatMap((record) => outcomesOf(record, entries.get(record.eventKey) ?? []))
      .filter((outcome) => passes(outcome, filter));
    if (outcomes.length > 0) yield outcomes;
  }
}
