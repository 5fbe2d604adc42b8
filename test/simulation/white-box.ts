import type { TurnoutField } from "../../shared/domain/deliveries/delivered-event.ts";
import { isAtRest, type LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf, eventKeyOf, LIVE } from "../../shared/domain/deliveries/delivery-key.ts";
import { readRedelivery } from "../../shared/domain/deliveries/redelivery.ts";
import { type BusEvent, readEvent, readFacts } from "../../shared/domain/events/event.ts";
import type { Target } from "../../shared/targets/target.ts";
import type { MemoryEventStore, OnEntry } from "./memory-event-store.ts";
import { listenersOf } from "./scenario.ts";
import type { StoredMessage } from "./standard-queue.ts";
import type { VirtualTime } from "./virtual-time.ts";

/**
 * What the ledger must keep to at every step, checked by looking into it. Apart from the checker, which judges by what
 * is seen from outside: these rules say earlier, and nearer to its cause, that something is wrong.
 */
export function whiteBox(time: VirtualTime, store: () => MemoryEventStore) {
  const problems: { at: number; text: string }[] = [];
  const wrong = (text: string) => void problems.push({ at: time.now(), text });

  const onEntry: OnEntry = (before, after) => {
    if (before === undefined) return;
    const { deliveryKey } = after;
    if (after.attempt < before.attempt) wrong(`${deliveryKey} went from attempt ${before.attempt} to ${after.attempt}`);
    const isReopened = before.status === "dead" && after.replay !== undefined && after.replay !== before.replay;
    if (isAtRest(before.status) && !isReopened)
      wrong(`${deliveryKey} was ${before.status}, and became ${after.status}`);
    if (after.payloadHash !== before.payloadHash) wrong(`${deliveryKey} changed its payload`);
    if (after.t0.getTime() !== before.t0.getTime()) wrong(`${deliveryKey} changed its first record`);
    const { status, dueAt, generation } = after;
    if (dueAt !== undefined && isAtRest(status)) wrong(`${deliveryKey} is ${status}, and due`);
    if (dueAt !== undefined && generation !== LIVE) wrong(`${deliveryKey} is the sweeper's, and a replay's as well`);
    if (status === "accepted" && dueAt === undefined && generation === LIVE)
      wrong(`${deliveryKey} is accepted, and never due`);
  };

  /** Whatever is sent has been claimed, as this attempt or a newer one, and is recorded. */
  function sent(payload: string): void {
    const { turnout, ...event }: BusEvent & { turnout: TurnoutField } = JSON.parse(payload);
    const eventKey = eventKeyOf(event.source, event["detail-type"], turnout.publisherKey);
    const deliveryKey = deliveryKeyOf(turnout.component, eventKey, turnout.generation);
    const entry: LedgerEntry | undefined = store().entryOf(deliveryKey);
    if (entry === undefined) {
      wrong(`${deliveryKey} is sent without a claim`);
      return;
    }
    if (entry.attempt < turnout.attempt) wrong(`attempt ${turnout.attempt} of ${deliveryKey} is sent before its claim`);
    if (!store().hasRecord(entry)) wrong(`${deliveryKey} is sent without the record that it counts by`);
  }

  /** A message that is deleted is done with: its deliveries have ended, or are due, or another message stands for them. */
  function acknowledged(message: StoredMessage, others: Iterable<StoredMessage>): void {
    const named = deliveriesIn(message.body);
    for (const { eventKey, component } of named) {
      const entries = store()
        .deliveriesOf([eventKey])
        .get(eventKey)
        ?.filter((entry) => entry.component === component && entry.generation === LIVE);
      const settled = entries?.some(({ status, dueAt }) => isAtRest(status) || dueAt !== undefined) ?? false;
      if (settled) continue;
      // What was only held is forgotten once it is known that it isn't wanted; another message would have been its event's own.
      if (readRedelivery(message.body) !== undefined && (entries ?? []).length === 0) continue;
      const stands = [...others].some(({ body }) =>
        deliveriesIn(body).some((other) => other.eventKey === eventKey && other.component === component),
      );
      if (!stands) wrong(`${message.body} is deleted, but ${entries?.map(({ status }) => status)} at ${component}`);
    }
  }

  const watched =
    (target: Target): Target =>
    (send) => {
      sent(send.payload);
      return target(send);
    };

  return { problems, onEntry, watched, acknowledged };
}

function deliveriesIn(body: string): { eventKey: string; component: string }[] {
  const again = readRedelivery(body);
  if (again !== undefined) return [again];
  const event = readEvent(body);
  if (!event.ok) return [];
  const facts = readFacts(event.value, undefined);
  if (!facts.ok) return [];
  const { source, "detail-type": detailType } = event.value;
  const eventKey = eventKeyOf(source, detailType, facts.value.idempotencyKey);
  return listenersOf(detailType).map(({ name }) => ({ eventKey, component: name }));
}
