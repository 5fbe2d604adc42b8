import type { Component } from "../domain/component.ts";
import type { Decision } from "../domain/decide-route.ts";
import { decideRoute } from "../domain/decide-route.ts";
import type { EventRecord } from "../domain/delivery.ts";
import { eventKeyOf, payloadHashOf, sha256 } from "../domain/delivery-key.ts";
import { type BusEvent, type EventFacts, readEvent, readFacts } from "../domain/event.ts";
import type { Read } from "../domain/schema.ts";
import { resolveSubject } from "../domain/subject.ts";
import type { RoutingView } from "./routing-cache.ts";

/** A message as the queue hands it to the router. */
export type QueuedMessage = {
  messageId: string;
  receiptHandle: string;
  body: string;
  sentAt: Date;
  receiveCount: number;
};

/** A message whose body is an event, parsed and hashed once for all that follows. */
export type ParsedMessage = { message: QueuedMessage; event: Read<BusEvent>; payloadHash: string };

/** A component that gets the event, and the alias it goes to. */
export type Route = { component: Component; decision: Decision };

/** A message with everything decided about it. No routes: nobody listens, or the event was unreadable. */
export type RoutedMessage = {
  message: QueuedMessage;
  record: EventRecord;
  routes: Route[];
  facts?: EventFacts;
  revision: number;
};

export function parseMessage(message: QueuedMessage): ParsedMessage {
  const event = readEvent(message.body);
  // Here and not where it is decided: on a cold cache a decision is made several times over.
  return { message, event, payloadHash: event.ok ? payloadHashOf(event.value, message.body) : sha256(message.body) };
}

/** Decides one message on a view. Pure; on a view that misses rows the result has to be thrown away. */
export function routeMessage(
  { message, event, payloadHash }: ParsedMessage,
  view: RoutingView,
  now: Date,
): RoutedMessage {
  if (!event.ok) return unreadable(message, event.problem, view.revision);
  const source = view.rowOf(`source#${event.value.source}`);
  const facts = readFacts(event.value, source);
  if (!facts.ok) return unreadable(message, facts.problem, view.revision, event.value);
  const { subject: stated, idempotencyKey, ignoredAlias } = facts.value;
  const subject = resolveSubject(stated, view.rowOf);
  const routes = view.listeners
    .filter(({ matches }) => matches(event.value))
    .map(({ component }) => ({
      component,
      decision: decideRoute({
        component,
        subject,
        rowOf: view.rowOf,
        now,
        trace: false,
        ...(ignoredAlias === undefined ? {} : { ignoredAlias }),
      }),
    }));
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
    components: routes.map(({ component }) => component.name),
    body: message.body,
  };
  return { message, record, routes, facts: facts.value, revision: view.revision };
}

/** Kept raw, with the reason, so that it can be seen and replayed once whatever is wrong has been put right. */
function unreadable(message: QueuedMessage, problem: string, revision: number, event?: BusEvent): RoutedMessage {
  const record: EventRecord = {
    t0: message.sentAt,
    eventKey: sha256(JSON.stringify(["unreadable", message.messageId])),
    payloadHash: sha256(message.body),
    messageId: message.messageId,
    id: event?.id ?? message.messageId,
    source: event?.source ?? "",
    detailType: event?.["detail-type"] ?? "",
    time: event?.time ?? message.sentAt.toISOString(),
    idempotencyKey: event?.id ?? message.messageId,
    subject: {},
    components: [],
    body: message.body,
    rejected: problem,
  };
  return { message, record, routes: [], revision };
}
