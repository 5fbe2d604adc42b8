import { type EventRecord, isAtRest, type LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { LIVE } from "../../domain/deliveries/delivery-key.ts";
import { isOf } from "../../domain/deliveries/unreadable-entry.ts";
import type { ReceivedMessage } from "../../event-queue/event-queue.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import { type ParsedMessage, type RoutedMessage, routeAgain, routeMessage, routeOpen } from "./route-message.ts";
import type { RouterPorts } from "./router-ports.ts";

/** Older messages may have been received before, whatever they say: a queue that was redriven counts from the beginning. */
const MAY_BE_REDRIVEN_MS = 3_600_000;

/** So much younger than its event a message isn't the first that stands for it: moving it back sent it anew. */
const SENT_ANEW_MS = 60_000;

type DecidePorts = Pick<RouterPorts, "now" | "routing"> & {
  events: Pick<EventRecords, "find"> & Pick<DeliveryLedger, "deliveriesOf">;
};

/**
 * Decides all messages of a batch on one view of the routing, as the router remembers it.
 * @param received true when the messages were received before, whatever they say of that
 */
export async function decideBatch(
  ports: DecidePorts,
  parsed: readonly ParsedMessage[],
  received: boolean,
): Promise<RoutedMessage[]> {
  const asked = parsed.flatMap((message) => ("redelivery" in message ? [message.redelivery] : []));
  const found = asked.length === 0 ? [] : await ports.events.find(asked);
  const records = new Map(asked.map((redelivery, index) => [redelivery, found[index]]));
  const routed = await ports.routing.decideOn((view) => {
    const now = ports.now();
    return parsed.map((message) =>
      "redelivery" in message
        ? routeAgain(message.message, message.redelivery, records.get(message.redelivery), view, now)
        : routeMessage(message, view, now),
    );
  });
  return withOpenDeliveries(ports, routed, received);
}

/**
 * What an earlier receive of a message has done is told in its record. What it began is closed, where the component doesn't listen to the event any more or is
 * gone: nobody else would look after it.
 */
async function withOpenDeliveries(
  ports: DecidePorts,
  routed: readonly RoutedMessage[],
  received: boolean,
): Promise<RoutedMessage[]> {
  const old = new Date(ports.now().getTime() - MAY_BE_REDRIVEN_MS);
  const returning = routed.filter(
    ({ message, record, stored }) =>
      !stored && (received || message.receiveCount > 1 || message.sentAt <= old || isSentAnew(message, record)),
  );
  if (returning.length === 0) return [...routed];
  const entries = await ports.events.deliveriesOf([...new Set(returning.map(({ record }) => record.eventKey))]);
  const found = (one: RoutedMessage) => (returning.includes(one) ? (entries.get(one.record.eventKey) ?? []) : []);
  const known = routed.map((one) => ({ one: withThoseThatHadIt(one, found(one)), left: leftBy(one, found(one)) }));
  if (known.every(({ left }) => left.length === 0)) return known.map(({ one }) => one);
  return ports.routing.decideOn((view) =>
    known.map(({ one, left }) => (left.length === 0 ? one : routeOpen(one, left, view))),
  );
}

/**
 * The record takes the place of the one from an earlier receive. Which components have had the event is no less true for
 * what is known of them by now, or because they don't listen any more.
 */
function withThoseThatHadIt(one: RoutedMessage, entries: readonly LedgerEntry[]): RoutedMessage {
  const { record } = one;
  const had = entries.filter((entry) => {
    const isDecided = isAtRest(entry.status) || entry.because !== "undecided";
    return isDecided && entry.generation === LIVE && isOf(entry, record);
  });
  const components = new Set([...record.components, ...had.map(({ component }) => component)]);
  return components.size === record.components.length
    ? one
    : { ...one, record: { ...record, components: [...components] } };
}

function isSentAnew({ sentAt }: ReceivedMessage, { time }: EventRecord): boolean {
  return sentAt.getTime() - Date.parse(time) > SENT_ANEW_MS;
}

/** Components that no longer listen to the event, and have an open delivery of it that its message stands for. */
function leftBy({ record, routes }: RoutedMessage, entries: readonly LedgerEntry[]): string[] {
  const left = entries.filter(
    (entry) =>
      (entry.status === "claimed" || entry.status === "failed") &&
      entry.dueAt === undefined &&
      entry.generation === LIVE &&
      entry.payloadHash === record.payloadHash &&
      !routes.some(({ component }) => component.name === entry.component),
  );
  return left.map(({ component }) => component);
}
