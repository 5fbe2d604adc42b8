import { type EventRecord, LEASE_MARGIN_MS, type LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { type EventOutcome, outcomesOf } from "../../domain/deliveries/event-outcome.ts";
import { isCalled, isCalledLike } from "../../domain/deliveries/record-names.ts";
import { readEvent, readFacts } from "../../domain/events/event.ts";
import type { Component } from "../../domain/routing/component.ts";
import { UnreadableRow } from "../../domain/routing/unreadable-row.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { type CachedTable, type ReadLeases, routingCache } from "../routing-cache.ts";
import { routingTableAt } from "../routing-table-at.ts";
import { componentOn, type Explanation, explainOn, rowOn } from "./explain-route.ts";

/** One delivery of a stored event: what was decided, why as of then, and what it would be now. */
export type ExplainedDelivery = EventOutcome & {
  /** As of the revision and time of the decision; undefined when nothing was decided, or the component wasn't there. */
  atDecision?: Explanation;
  decidedAt?: Date;
  /** Undefined when the component has gone; what is wrong with its row when that can't be read. */
  now?: Explanation | UnreadableRow;
};

/** Most events that are found by the beginning of their names. */
const MOST_BEGUN = 100;

/** Stored events of a window that go by a name; only where none does, those of which it is a beginning. Oldest first. */
export async function* findEvents(
  events: StoredEvents,
  window: TimeWindow,
  wanted: string,
  now: Date,
): AsyncGenerator<{ record: EventRecord; outcomes: EventOutcome[] }> {
  const called: EventRecord[] = [];
  const begun: EventRecord[] = [];
  for await (const page of events.records(window, now)) {
    for (const record of page) {
      if (isCalled(record, wanted)) called.push(record);
      else if (begun.length < MOST_BEGUN && isCalledLike(record, wanted)) begun.push(record);
    }
  }
  const found = called.length > 0 ? called : begun;
  const entries = await events.deliveriesOf([...new Set(found.map(({ eventKey }) => eventKey))]);
  for (const record of found) yield { record, outcomes: outcomesOf(record, entries.get(record.eventKey) ?? []) };
}

/** Explains a delivery by the routing as it was when it was decided, and as it is. */
export async function explainDelivery(
  table: RoutingTableReader,
  outcome: EventOutcome,
  now: Date,
  leases?: Leases,
): Promise<ExplainedDelivery> {
  const { record, component, entry } = outcome;
  if (component === undefined) return outcome;
  const today = await explainAsOf(table, record, component, () => now, leases);
  const explained = { ...outcome, ...(today && { now: today instanceof UnreadableRow ? today : today.explanation }) };
  if (entry === undefined) return explained;
  const then = routingTableAt(table, entry.routingRevision);
  const asOf = await explainAsOf(then, record, component, (row) => claimedAt(entry, row), leasesThen(entry));
  if (asOf === undefined || asOf instanceof UnreadableRow) return explained;
  return { ...explained, atDecision: asOf.explanation, decidedAt: asOf.at };
}

/** When the newest claim was made, and with it the decision: a lease is as long as the component said then. */
function claimedAt({ leaseUntil }: LedgerEntry, component: Component): Date {
  return new Date(leaseUntil.getTime() - component.timeoutMs - LEASE_MARGIN_MS);
}

type Leases = { readLeases?: ReadLeases };

/** Nobody keeps how leases stood: the laptop that it went to was there, and no other was. */
function leasesThen({ component, alias }: LedgerEntry): Leases {
  const lease = { component, alias, session: "", owner: "", until: "9999-12-31T23:59:59.999Z", lock: 1 };
  return { readLeases: async () => [lease] };
}

async function explainAsOf(
  table: CachedTable,
  record: EventRecord,
  componentName: string,
  timeFor: (component: Component) => Date,
  leases: Leases | undefined,
): Promise<{ explanation: Explanation; at: Date } | UnreadableRow | undefined> {
  const event = readEvent(record.body);
  if (!event.ok) return undefined;
  return routingCache(table, leases).decideOn((view) => {
    const component = componentOn(view, componentName);
    if (component === undefined || component instanceof UnreadableRow) return component;
    // Where an event carries its subject is part of the routing too.
    const source = `source#${event.value.source}` as const;
    const facts = readFacts(event.value, view.rowOf(source));
    if (!facts.ok) return undefined;
    const at = timeFor(component);
    const { rows, ...explanation } = explainOn(view, component, facts.value, at);
    return { explanation: { ...explanation, rows: [...rows, { key: source, row: rowOn(view, source) }] }, at };
  });
}
