import { type EventOutcome, outcomesOf } from "../../domain/deliveries/event-outcome.ts";
import { type ListedFilter, listedOutcomes } from "../../domain/notices/listed-outcomes.ts";
import { isMemberOn, type SubjectRows } from "../../domain/routing/subject-rows.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingCache } from "../routing-cache.ts";

/** `routing` is asked who is in the filter's cohort; without one it isn't needed. */
export type ListPorts = { events: StoredEvents; routing?: RoutingCache };

/**
 * What arrived in a window and what became of it, oldest first, a page of records at a time.
 * @throws TurnoutError `usage` when the filter has a pattern that is none
 */
export async function* listEvents(
  { events, routing }: ListPorts,
  window: TimeWindow,
  filter: ListedFilter,
  now: Date,
): AsyncIterable<EventOutcome[]> {
  const matches = listedOutcomes(filter);
  const wanted = (outcomes: readonly EventOutcome[], rowOf: SubjectRows) =>
    outcomes.filter((outcome) => matches(outcome, isMemberOn(rowOf)));
  const directory = filter.cohort === undefined ? undefined : routing;
  await directory?.refresh();
  for await (const records of events.records(window, now)) {
    const entries = await events.deliveriesOf([...new Set(records.map(({ eventKey }) => eventKey))]);
    const all = records.flatMap((record) => outcomesOf(record, entries.get(record.eventKey) ?? []));
    const outcomes = directory
      ? await directory.decideOn(({ subjectRow }) => wanted(all, subjectRow))
      : wanted(all, noRows);
    if (outcomes.length > 0) yield outcomes;
  }
}

const noRows: SubjectRows = () => undefined;
