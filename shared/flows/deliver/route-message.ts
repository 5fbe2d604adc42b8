import { type DeliveryError, type EventRecord, HELD } from "../../domain/deliveries/delivery.ts";
import { eventKeyOf, type Generation, LIVE, payloadHashOf } from "../../domain/deliveries/delivery-key.ts";
import { type Redelivery, readRedelivery } from "../../domain/deliveries/redelivery.ts";
import { recordExpiry } from "../../domain/deliveries/retention.ts";
import { type BusEvent, type EventFacts, readEvent, readFacts } from "../../domain/events/event.ts";
import { sha256 } from "../../domain/hash.ts";
import type { Alias } from "../../domain/routing/alias.ts";
import { type Component, removedComponent } from "../../domain/routing/component.ts";
import type { Because, Decision } from "../../domain/routing/decide-route.ts";
import { decideRoute } from "../../domain/routing/decide-route.ts";
import { type HeldComponent, patiently } from "../../domain/routing/held-component.ts";
import type { RowKey } from "../../domain/routing/routing-change.ts";
import { resolveSubject } from "../../domain/routing/subject-rows.ts";
import { type Subject, subjectKeys } from "../../domain/subject.ts";
import type { Read } from "../../domain/text/schema.ts";
import { keyInWords } from "../../domain/text/split-key.ts";
import type { ReceivedMessage } from "../../event-queue/event-queue.ts";
import type { Listener, RoutingView } from "../routing-cache.ts";

/** A message whose body has been read and hashed, once for all that follows. */
export type ParsedMessage = ParsedEvent | { message: ReceivedMessage; redelivery: Redelivery };
export type ParsedEvent = {
  message: ReceivedMessage;
  event: Read<BusEvent>;
  payloadHash: string;
  /** Its detail's `metadata`, where that is known without looking there. */
  metadata?: unknown;
};

/** A component that gets the event, and the alias it goes to; or why it can't be had after all. */
export type RoutedDelivery = {
  component: Component;
  decision: Decision;
  refused?: DeliveryError;
  /** A row that decides about it can't be read: it is kept until it can, and nothing is sent. */
  held?: DeliveryError;
};

/** A message with everything decided about it. No routes: nobody listens, or the event was unreadable. */
export type RoutedMessage = {
  message: ReceivedMessage;
  record: EventRecord;
  /** True when the record was in the store before. */
  stored: boolean;
  generation: Generation;
  /** Who it is about, by today's directory. */
  subject: Subject;
  routes: RoutedDelivery[];
  facts?: EventFacts;
  revision: number;
  /** Why it isn't even known which event it is: the message comes back, and nothing is stored of it. */
  unknown?: DeliveryError;
};

export function parseMessage(message: ReceivedMessage): ParsedMessage {
  const redelivery = readRedelivery(message.body);
  return redelivery === undefined ? parseEvent(message) : { message, redelivery };
}

export function parseEvent(message: ReceivedMessage): ParsedEvent {
  const { body } = message;
  const event = readEvent(body);
  // Here and not where it is decided: on a cold cache a decision is made several times over.
  return { message, event, payloadHash: event.ok ? payloadHashOf(event.value, body) : sha256(body) };
}

/** Decides one message on a view. Pure; on a view that misses rows the result has to be thrown away. */
export function routeMessage(
  { message, event, payloadHash, metadata }: ParsedEvent,
  view: RoutingView,
  now: Date,
): RoutedMessage {
  if (!event.ok) return unreadable(message, event.problem, view);
  const sourceKey = `source#${event.value.source}` as const;
  const source = view.rowOf(sourceKey);
  const problem = view.problemOf(sourceKey);
  if (problem !== undefined) return unknown(message, heldBy(sourceKey, problem), view, event.value);
  const facts = readFacts(event.value, source, metadata);
  if (!facts.ok) return unreadable(message, facts.problem, view, event.value);
  const listeners = view.listeners.filter(({ matches }) => matches(event.value));
  const decided = decideAll(facts.value, listeners, view, now);
  const held = view.held.filter(({ matches }) => matches === undefined || matches(event.value));
  const { subject, routes } = decided;
  const components = routes.map(({ component }) => component.name);
  for (const one of held) {
    routes.push(heldRoute(one));
    // Not those of which nobody knows yet whether they listen.
    if (one.matches !== undefined) components.push(one.name);
  }
  const { idempotencyKey } = facts.value;
  const { source: from, "detail-type": detailType, id, time } = event.value;
  const record: EventRecord = {
    t0: message.sentAt,
    eventKey: eventKeyOf(from, detailType, idempotencyKey),
    payloadHash,
    messageId: message.messageId,
    id,
    source: from,
    detailType,
    time,
    idempotencyKey,
    subject,
    components,
    body: message.body,
    expiresAt: recordExpiry(source, detailType, message.sentAt),
  };
  if (message.sequence !== undefined) record.sequence = message.sequence;
  const { revision } = view;
  return { message, record, stored: false, generation: LIVE, subject, routes, facts: facts.value, revision };
}

/** A stored event that can be read by now, and as what it was stored when it couldn't. */
export type ReadAnew = { record: EventRecord; stored: EventRecord };

/**
 * Reads once more an event that couldn't be read when it arrived, by where its source's key and subject stand now: under
 * the key that its publisher gave it, it is the same event as its repeats. That it was rejected stays with it, until
 * somebody has delivered it. Undefined for every other event, and where it can't be read yet.
 */
export function readAnew(stored: EventRecord, view: RoutingView, now: Date): ReadAnew | undefined {
  const { rejected, messageId, t0, sequence, body, eventKey, unavailable } = stored;
  if (rejected === undefined || unavailable !== undefined || eventKey !== unreadableKeyOf(messageId)) return undefined;
  const place = { sentAt: t0, ...(sequence !== undefined && { sequence }) };
  const message = { messageId, receiptHandle: "", body, receiveCount: 1, ...place };
  const { record, unknown } = routeMessage(parseEvent(message), view, now);
  if (unknown !== undefined || record.rejected !== undefined) return undefined;
  return { record: { ...record, rejected }, stored };
}

/**
 * Decides again, by today's routing, where a stored event goes for one component.
 * @param replayDestination the alias that a replay sends it to, if not where the rules say
 */
export function routeAgain(
  message: ReceivedMessage,
  redelivery: Redelivery,
  found: EventRecord | undefined,
  view: RoutingView,
  now: Date,
  replayDestination?: Alias,
): RoutedMessage {
  const { component: name, generation } = redelivery;
  const record = found !== undefined && found.expiresAt > now ? found : undefined;
  const listener = view.listeners.find(({ component }) => component.name === name);
  const base = { message, stored: true, generation, revision: view.revision };
  const refused = (type: RefusalType, known: EventRecord) => ({
    ...base,
    record: known,
    subject: known.subject,
    routes: [refusedRoute(name, type, listener, type === "BodyUnavailable" ? known.unavailable : undefined)],
  });
  if (record === undefined) return refused("RecordGone", goneRecord(message, redelivery));
  const held = view.held.find((one) => one.name === name);
  if (held !== undefined) return { ...base, record, subject: record.subject, routes: [heldRoute(held)] };
  if (listener === undefined) return refused("NoComponent", record);
  if (record.unavailable !== undefined) return refused("BodyUnavailable", record);
  const event = readEvent(record.body);
  if (event.ok && !listener.matches(event.value)) {
    return refused("NotListening", record);
  }
  const facts = event.ok ? factsAgain(event.value, view) : event;
  // A source's paths may have changed since, for the worse; what was read then still counts.
  const known = facts.ok ? facts.value : { idempotencyKey: record.idempotencyKey, subject: record.subject };
  return { ...base, record, facts: known, ...decideAll(known, [listener], view, now, replayDestination) };
}

function factsAgain(event: BusEvent, view: RoutingView): Read<EventFacts> {
  const sourceKey = `source#${event.source}` as const;
  const source = view.rowOf(sourceKey);
  const problem = view.problemOf(sourceKey);
  return problem === undefined ? readFacts(event, source) : { ok: false, problem };
}

/** The message with routes to these components too, which don't listen to it any more, and may not even be there. */
export function routeOpen(routed: RoutedMessage, components: readonly string[], view: RoutingView): RoutedMessage {
  const routes = components.map((name) => {
    const held = view.held.find((one) => one.name === name);
    if (held !== undefined) return heldRoute(held);
    const listener = view.listeners.find(({ component }) => component.name === name);
    return refusedRoute(name, listener === undefined ? "NoComponent" : "NotListening", listener);
  });
  return { ...routed, routes: [...routed.routes, ...routes], revision: view.revision };
}

type RefusalType = keyof typeof refusals;

const refusals = {
  RecordGone: "the event is no longer stored: its retention is over",
  NotListening:
    "the component doesn't listen to such events any more. Change its pattern and replay the event if it should",
  NoComponent: "the component has been removed. Apply it again and replay the event if it is still wanted",
  BodyUnavailable: "the event's body can't be had. Restore it and replay the event if it is still wanted",
};

/** A route to nowhere: its delivery is claimed and closed as dead, so that it is told and not looked for again. */
function refusedRoute(name: string, type: RefusalType, listener: Listener | undefined, why?: string): RoutedDelivery {
  const component = listener?.component ?? removedComponent(name);
  return { component, decision: undecided(component), refused: { type, message: why ?? refusals[type] } };
}

/** A route that waits: its delivery is claimed and postponed, until the component's row can be read or is removed. */
function heldRoute({ name, problem, component }: HeldComponent): RoutedDelivery {
  return { component, decision: undecided(component), held: heldBy(`component#${name}`, problem) };
}

function heldBy(key: RowKey, problem: string): DeliveryError {
  return { type: HELD, message: `the row of ${keyInWords(key)} can't be read: ${problem}` };
}

function undecided({ fallbackAlias: alias }: Component): Decision {
  return { alias, because: "undecided", rule: "", passedOver: [], fallback: true };
}

function goneRecord({ messageId, sentAt }: ReceivedMessage, { t0, eventKey, payloadHash, component }: Redelivery) {
  const known = { t0, eventKey, payloadHash, messageId, time: t0.toISOString(), components: [component] };
  const record: EventRecord = {
    ...known,
    id: "",
    source: "",
    detailType: "",
    idempotencyKey: "",
    subject: {},
    body: "",
    expiresAt: sentAt,
  };
  return record;
}

function decideAll(
  facts: EventFacts,
  listeners: readonly Listener[],
  view: RoutingView,
  now: Date,
  replayDestination?: Alias,
) {
  const subject = resolveSubject(facts.subject, view.subjectRow);
  const { ignoredAlias } = facts;
  const damaged = subjectKeys(subject).find((key) => view.problemOf(key) !== undefined);
  const routes = listeners.map(({ component }): RoutedDelivery => {
    const decision = decideRoute({
      component,
      subject,
      rowOf: view.subjectRow,
      leaseOf: view.leaseOf,
      now,
      trace: false,
      ignoredAlias,
      replayDestination,
    });
    if (damaged === undefined || OUTRANK_SUBJECTS.has(decision.because)) return { component, decision };
    // Its pins are not known: by any rule below them it might reach the version that it is pinned away from.
    return { component: patiently(component), decision, held: heldBy(damaged, view.problemOf(damaged) ?? "") };
  });
  return { subject, routes };
}

/** What is decided before a subject's row is looked at. */
const OUTRANK_SUBJECTS: ReadonlySet<Because> = new Set(["all stable", "replay destination"]);

/** Where its key and subject stand isn't known, so neither is which event it is. */
function unknown(message: ReceivedMessage, why: DeliveryError, view: RoutingView, event: BusEvent): RoutedMessage {
  return { ...unreadable(message, why.message, view, event), stored: true, unknown: why };
}

/** Stands in for the key of an event that can't be read. */
function unreadableKeyOf(messageId: string): string {
  return sha256(JSON.stringify(["unreadable", messageId]));
}

/** Kept raw, with the reason, so that it can be seen and replayed once whatever is wrong has been put right. */
function unreadable(message: ReceivedMessage, problem: string, view: RoutingView, event?: BusEvent): RoutedMessage {
  const source = event?.source ?? "";
  const detailType = event?.["detail-type"] ?? "";
  const record: EventRecord = {
    t0: message.sentAt,
    ...(message.sequence !== undefined && { sequence: message.sequence }),
    eventKey: unreadableKeyOf(message.messageId),
    payloadHash: sha256(message.body),
    messageId: message.messageId,
    id: event?.id ?? message.messageId,
    source,
    detailType,
    time: event?.time ?? message.sentAt.toISOString(),
    idempotencyKey: event?.id ?? message.messageId,
    subject: {},
    components: [],
    body: message.body,
    rejected: problem,
    expiresAt: recordExpiry(
      event === undefined ? undefined : view.rowOf(`source#${source}`),
      detailType,
      message.sentAt,
    ),
  };
  return { message, record, stored: false, generation: LIVE, subject: {}, routes: [], revision: view.revision };
}
