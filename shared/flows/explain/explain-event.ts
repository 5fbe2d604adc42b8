import { eventKeyOfDelivered } from "../../domain/deliveries/delivered-event.ts";
import { type EventRecord, LEASE_MARGIN_MS, type LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { type EventOutcome, outcomesOf } from "../../domain/deliveries/event-outcome.ts";
import { readEvent, readFacts } from "../../domain/events/event.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { routingCache } from "../routing-cache.ts";
import { routingTableAt } from "../routing-table-at.ts";
import { type Explanation, explainOn, type Question } from "./explain-route.ts";

/** One delivery of a stored event: what was decided, why as of then, and what it would be now. */
export type ExplainedDelivery = EventOutcome & {
  /** As of the revision and time of the decision; undefined when nothing was decided, or the component wasn't there. */
  atDecision?: Explanation;
  decidedAt?: Date;
  /** Undefined when the component has gone. */
  now?: Explanation;
};

/** Shortest beginning of an event key that is looked for: a shorter one is rather an id. */
const MIN_KEY_CHARS = 6;

/** Stored events of a window by id, publisher's key, the key that consumers see, or the beginning of it; oldest first. */
export async function* findEvents(
  events: StoredEvents,
  window: TimeWindow,
  wanted: string,
  now: Date,
): AsyncGenerator<{ record: EventRecord; outcomes: EventOutcome[] }> {
  const wantedKey = eventKeyOfDelivered(wanted) ?? wanted;
  const isKey = new RegExp(`^[0-9a-f]{${MIN_KEY_CHARS},64}$`).test(wantedKey);
  for await (const page of events.records(window, now)) {
    const found = page.filter(
      ({ id, idempotencyKey, eventKey }) =>
        id === wanted || idempotencyKey === wanted || (isKey && eventKey.startsWith(wantedKey)),
    );
    if (found.length === 0) continue;
    const entries = await events.deliveriesOf([...new Set(found.map(({ eventKey }) => eventKey))]);
    for (const record of found) yield { record, outcomes: outcomesOf(record, entries.get(record.eventKey) ?? []) };
  }
}

/** Explains a delivery by the routing as it was when it was decided, and as it is. */
export async function explainDelivery(
  table: RoutingTableReader,
  outcome: EventOutcome,
  now: Date,
): Promise<ExplainedDelivery> {
  const { record, component, entry } = outcome;
  if (component === undefined || record.rejected !== undefined) return outcome;
  const today = await explainEvent(table, record, component, () => now);
  const explained = { ...outcome, ...(today && { now: today.explanation }) };
  if (entry === undefined) return explained;
  const as = await explainEvent(routingTableAt(table, entry.routingRevision), record, component, (row) =>
    claimedAt(entry, row),
  );
  return as === undefined ? explained : { ...explained, atDecision: as.explanation, decidedAt: as.at };
}

/** When the newest claim was made, and with it the decision: a lease is as long as the component said then. */
function claimedAt({ leaseUntil }: LedgerEntry, component: Component): Date {
  return new Date(leaseUntil.getTime() - component.timeoutMs - LEASE_MARGIN_MS);
}

async function explainEvent(
  table: RoutingTableReader,
  record: EventRecord,
  componentName: string,
  timeFor: (component: Component) => Date,
): Promise<{ explanation: Explanation; at: Date } | undefined> {
  const event = readEvent(record.body);
  if (!event.ok) return undefined;
  const routing = routingCache(table);
  await routing.refresh();
  return routing.decideOn((view) => {
    const component = view.listeners.find((listener) => listener.component.name === componentName)?.component;
    // Where an event carries its subject is part of the routing too.
    const sourceKey = `source#${event.value.source}` as const;
    const source = view.rowOf(sourceKey);
    const facts = readFacts(event.value, source);
    if (component === undefined || !facts.ok) return undefined;
    const { subject: stated, ignoredAlias } = facts.value;
    const question: Question = {
      component: componentName,
      stated,
      ...(ignoredAlias !== undefined && { ignoredAlias }),
    };
    const at = timeFor(component);
    const explanation = explainOn(view, question, at);
    if (explanation === undefined) return undefined;
    const sources = source === undefined ? [] : [{ key: sourceKey, row: source }];
    return { explanation: { ...explanation, rows: [...explanation.rows, ...sources] }, at };
  });
}
