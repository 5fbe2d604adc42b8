import type { EventRecord } from "../../domain/deliveries/delivery.ts";
import {
  type EventOutcome,
  type OutcomeFilter,
  outcomeFilter,
  outcomesOf,
} from "../../domain/deliveries/event-outcome.ts";
import { recordsInPages } from "../../domain/deliveries/records-in-pages.ts";
import { type ListedFilter, listedOutcomes } from "../../domain/notices/listed-outcomes.ts";
import { isMemberOn, type SubjectRows } from "../../domain/routing/subject-rows.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { ListPorts } from "./list-events.ts";

/** `from`: all that has arrived since was looked at. `isAll`: that is the whole window. */
export type RecentEvents = { outcomes: EventOutcome[]; looked: number; from: Date; isAll: boolean };

/** At most so many outcomes, and so many records looked at for them. */
export type RecentLimits = { outcomes: number; looked: number };

/** The first look back; each one after it goes twice as far. */
const FIRST_MS = 1_000;

/**
 * The newest of what arrived in a window and what became of it, the newest first: for whoever looks at a screen, and not
 * through all there is. Ends once it has enough, or has looked at enough.
 * @throws TurnoutError `usage` when the filter has a pattern that is none
 */
export async function recentEvents(
  { events, routing }: ListPorts,
  { window, filter, limits }: { window: TimeWindow; filter: ListedFilter; limits: RecentLimits },
  now: Date,
): Promise<RecentEvents> {
  const matches = listedOutcomes(filter);
  const mayMatch = recordFilter(filter);
  const directory = filter.cohort === undefined ? undefined : routing;
  await directory?.refresh();
  const outcomes: EventOutcome[] = [];
  let looked = 0;
  let end = window.to;
  for (let spanMs = FIRST_MS; end > window.from && outcomes.length < limits.outcomes && looked < limits.looked; ) {
    const from = new Date(Math.max(window.from.getTime(), end.getTime() - spanMs));
    const most = limits.looked - looked;
    const records = await recordsInPages(events.records({ from, to: end }, now, Math.min(500, most + 1)), most);
    // More than may be looked at, the oldest of them first: the newest stand in the last part of it.
    if (records === undefined && end.getTime() - from.getTime() > 1) {
      spanMs = Math.max(1, Math.floor((end.getTime() - from.getTime()) / 4));
      continue;
    }
    const found = (records ?? (await Array.fromAsync(events.records({ from, to: end }, now))).flat()).reverse();
    const wanted = found.filter(mayMatch);
    const entries = await events.deliveriesOf([...new Set(wanted.map(({ eventKey }) => eventKey))]);
    const all = wanted.flatMap((record) => outcomesOf(record, entries.get(record.eventKey) ?? []));
    const passed = (rowOf: SubjectRows) => all.filter((outcome) => matches(outcome, isMemberOn(rowOf)));
    outcomes.push(...(directory ? await directory.decideOn(({ subjectRow }) => passed(subjectRow)) : passed(noRows)));
    looked += found.length;
    end = from;
    spanMs *= 2;
  }
  return { outcomes: outcomes.slice(0, limits.outcomes), looked, from: end, isAll: end <= window.from };
}

/** What a record alone says: of most that isn't meant the deliveries needn't be looked up. */
function recordFilter({ source, user, project, customer, plan }: OutcomeFilter): (record: EventRecord) => boolean {
  const asked = Object.entries({ source, user, project, customer, plan }).filter(([, wanted]) => wanted !== undefined);
  const matches = outcomeFilter(Object.fromEntries(asked));
  return (record) => matches({ record, status: "waiting" }, () => false);
}

const noRows: SubjectRows = () => undefined;
