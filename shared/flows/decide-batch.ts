import type { LedgerEntry } from "../domain/delivery.ts";
import { LIVE } from "../domain/delivery-key.ts";
import { type ParsedMessage, type RoutedMessage, routeAgain, routeMessage, routeOpen } from "./read-messages.ts";
import type { RouterPorts } from "./router-ports.ts";

/** Decides all messages of a batch on one view of the routing, as the router remembers it. */
export async function decideBatch(ports: RouterPorts, parsed: readonly ParsedMessage[]): Promise<RoutedMessage[]> {
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
  return withOpenDeliveries(ports, routed);
}

/**
 * What an earlier receive of a message began is brought to its end, also where the component's pattern doesn't match the
 * event any more or the component is gone: nobody else would look after it.
 */
async function withOpenDeliveries(ports: RouterPorts, routed: readonly RoutedMessage[]): Promise<RoutedMessage[]> {
  const returning = routed.filter(({ message, stored }) => !stored && message.receiveCount > 1);
  if (returning.length === 0) return [...routed];
  const entries = await ports.events.deliveriesOf([...new Set(returning.map(({ record }) => record.eventKey))]);
  const left = new Map(
    returning.map((one) => [one, (entries.get(one.record.eventKey) ?? []).filter((entry) => isLeftBy(one, entry))]),
  );
  if ([...left.values()].every((open) => open.length === 0)) return [...routed];
  return ports.routing.decideOn((view) =>
    routed.map((one) => {
      const components = (left.get(one) ?? []).map(({ component }) => component);
      return components.length === 0 ? one : routeOpen(one, components, view, ports.now());
    }),
  );
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
