import type { Alias } from "../domain/alias.ts";
import { type Component, removedComponent } from "../domain/component.ts";
import type { Decision } from "../domain/decide-route.ts";
import { decideRoute } from "../domain/decide-route.ts";
import type { DeliveryError, EventRecord } from "../domain/delivery.ts";
import { eventKeyOf, type Generation, LIVE, payloadHashOf, sha256 } from "../domain/delivery-key.ts";
import { type BusEvent, type EventFacts, readEvent, readFacts } from "../domain/event.ts";
import { type Redelivery, readRedelivery } from "../domain/redelivery.ts";
import { recordExpiry } from "../domain/retention.ts";
import type { Read } from "../domain/schema.ts";
import { resolveSubject, type Subject } from "../domain/subject.ts";
import type { Listener, RoutingView } from "./routing-cache.ts";

/** A message as the queue hands it to the router. */
export type QueuedMessage = {
  messageId: string;
  receiptHandle: string;
  body: string;
  sentAt: Date;
  /** Its place among the messages of one sent time; undefined where nobody tells any more. */
  sequence?: number;
  receiveCount: number;
};

/** A message whose body has been read and hashed, once for all that follows. */
export type ParsedMessage = ParsedEvent | { message: QueuedMessage; redelivery: Redelivery };
export type ParsedEvent = { message: QueuedMessage; event: Read<BusEvent>; payloadHash: string };

/** A component that gets the event, and the alias it goes to; or why it can't be had after all. */
export type Route = { component: Component; decision: Decision; refused?: DeliveryError };

/** A message with everything decided about it. No routes: nobody listens, or the event was unreadable. */
export type RoutedMessage = {
  message: QueuedMessage;
  record: EventRecord;
  /** True when the record was in the store before. */
  stored: boolean;
  generation: Generation;
  /** Who it is about, by today's directory. */
  subject: Subject;
  routes: Route[];
  facts?: EventFacts;
  revision: number;
};

export function parseMessage(message: QueuedMessage): ParsedMessage {
  const redelivery = readRedelivery(message.body);
  return redelivery === undefined ? parseEvent(message) : { message, redelivery };
}

export function parseEvent(message: QueuedMessage): ParsedEvent {
  const { body } = message;
  const event = readEvent(body);
  // Here and not where it is decided: on a cold cache a decision is made several times over.
  return { message, event, payloadHash: event.ok ? payloadHashOf(event.value, body) : sha256(body) };
}

/** Decides one message on a view. Pure; on a view that misses rows the result has to be thrown away. */
export function routeMessage(
  { message, event, payloadHash }: ParsedEvent,
  view: RoutingView,
  now: Date,
): RoutedMessage {
  if (!event.ok) return unreadable(message, event.problem, view);
  const source = view.rowOf(`source#${event.value.source}`);
  const facts = readFacts(event.value, source);
  if (!facts.ok) return unreadable(message, facts.problem, view, event.value);
  const listeners = view.listeners.filter(({ matches }) => matches(event.value));
  const { subject, routes } = decideAll(facts.value, listeners, view, now);
  const { idempotencyKey } = facts.value;
  const { source: from, "detail-type": detailType, id, time } = event.value;
  const record: EventRecord = {
    ...placeOf(message),
    eventKey: eventKeyOf(from, detailType, idempotencyKey),
    payloadHash,
    messageId: message.messageId,
    id,
    source: from,
    detailType,
    time,
    idempotencyKey,
    subject,
    components: routes.map(({ component }) => component.name),
    body: message.body,
    expiresAt: recordExpiry(source, detailType, message.sentAt),
  };
  const { revision } = view;
  return { message, record, stored: false, generation: LIVE, subject, routes, facts: facts.value, revision };
}

/**
 * Decides again, by today's routing, where a stored event goes for one component.
 * @param replayTarget the alias that a replay sends it to, if not where the rules say
 */
export function routeAgain(
  message: QueuedMessage,
  redelivery: Redelivery,
  found: EventRecord | undefined,
  view: RoutingView,
  now: Date,
  replayTarget?: Alias,
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
  if (listener === undefined) return refused("NoComponent", record);
  if (record.unavailable !== undefined) return refused("BodyUnavailable", record);
  const event = readEvent(record.body);
  if (event.ok && !listener.matches(event.value)) {
    return refused("NotListening", record);
  }
  const facts = event.ok ? readFacts(event.value, view.rowOf(`source#${event.value.source}`)) : event;
  // A source's paths may have changed since, for the worse; what was read then still counts.
  const known = facts.ok ? facts.value : { idempotencyKey: record.idempotencyKey, subject: record.subject };
  return { ...base, record, facts: known, ...decideAll(known, [listener], view, now, replayTarget) };
}

/** The message with routes to these components too, which don't listen to it any more, and may not even be there. */
export function routeOpen(routed: RoutedMessage, components: readonly string[], view: RoutingView): RoutedMessage {
  const routes = components.map((name) => {
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
function refusedRoute(name: string, type: RefusalType, listener: Listener | undefined, why?: string): Route {
  const component = listener?.component ?? removedComponent(name);
  const alias = component.fallbackAlias;
  const decision: Decision = { alias, because: "default alias", rule: "", passedOver: [], fallback: true };
  return { component, decision, refused: { type, message: why ?? refusals[type] } };
}

function goneRecord({ messageId, sentAt }: QueuedMessage, { t0, eventKey, payloadHash, component }: Redelivery) {
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
  replayTarget?: Alias,
) {
  const subject = resolveSubject(facts.subject, view.rowOf);
  const { ignoredAlias } = facts;
  const routes = listeners.map(
    ({ component }): Route => ({
      component,
      decision: decideRoute({
        component,
        subject,
        rowOf: view.rowOf,
        now,
        trace: false,
        ...(ignoredAlias === undefined ? {} : { ignoredAlias }),
        ...(replayTarget === undefined ? {} : { replayTarget }),
      }),
    }),
  );
  return { subject, routes };
}

function placeOf({ sentAt, sequence }: QueuedMessage): Pick<EventRecord, "t0" | "sequence"> {
  return { t0: sentAt, ...(sequence !== undefined && { sequence }) };
}

/** Kept raw, with the reason, so that it can be seen and replayed once whatever is wrong has been put right. */
function unreadable(message: QueuedMessage, problem: string, view: RoutingView, event?: BusEvent): RoutedMessage {
  const source = event?.source ?? "";
  const detailType = event?.["detail-type"] ?? "";
  const record: EventRecord = {
    ...placeOf(message),
    eventKey: sha256(JSON.stringify(["unreadable", message.messageId])),
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
