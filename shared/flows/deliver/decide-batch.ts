import type { EventRecord, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { LIVE } from "../../domain/deliveries/delivery-key.ts";
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
  const routed = await ports.routing.decideOn((view) =>
    parsed.map((message) =>
      "redelivery" in message
        ? routeAgain(message.message, message.redelivery, records.get(message.redelivery), view, ports.now())
        : routeMessage(message, view, ports.now()),
    ),
  );
  return withOpenDeliveries(ports, routed, received);
}

/**
 * What an earlier receive of a message began is closed, where the component doesn't listen to the event any more or is
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
  const left = new Map(
    returning.map((one) => [one, (entries.get(one.record.eventKey) ?? []).filter((entry) => isLeftBy(one, entry))]),
  );
  if ([...left.values()].every((open) => open.length === 0)) return [...routed];
  return ports.routing.decideOn((view) =>
    routed.map((one) => {
      const components = (left.get(one) ?? []).map(({ component }) => component);
      return components.length === 0 ? one : routeOpen(one, components, view);
    }),
  );
}

function isSentAnew({ sentAt }: ReceivedMessage, { time }: EventRecord): boolean {
  return sentAt.getTime() - new Date(time).getTime() > SENT_ANEW_MS;
}

/** True for an open delivery of the event that its message stands for, to a component that no longer listens to it. */
function isLeftBy({ record, routes }: RoutedMessage, entry: LedgerEntry): boolean {
  return (
    (entry.status === "claimed" || entry.status === "failed") &&
    entry.dueAt === undefined &&
    entry.generation === LIVE &&
    entry.payloadHash === record.payloadHash &&
    !routes.some(({ component }) => component.name === entry.component)
  );
}
