import { removedComponent } from "../domain/component.ts";
import type { Close, LedgerEntry } from "../domain/delivery.ts";
import { outcomeTally } from "../domain/outcome-count.ts";
import { type AttemptOutcome, readOutcome } from "../domain/outcome-message.ts";
import { closeOf, lookedAfterBy } from "../domain/settle-attempt.ts";
import type { EventStore } from "../event-store/event-store.ts";
import type { RoutingCache } from "./routing-cache.ts";

export type OutcomePorts = {
  routing: RoutingCache;
  events: Pick<EventStore, "deliveriesOf" | "close" | "count">;
  now: () => Date;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  /** Told of a message that is no outcome, and of an error that did no delivery any harm. */
  onTrouble: (error: unknown) => void;
};

/** A message of the outcomes queue. */
export type OutcomeMessage = { messageId: string; body: string };

/**
 * Closes the attempts that these messages tell of. One that is no longer the newest, or unknown, changes nothing. A
 * failed one is tried again by the sweeper: no message stands for it. Returns the messages that are no outcomes.
 *
 * @throws what the routing table or the store throws; then the whole batch has to come back
 */
export async function takeOutcomes<M extends OutcomeMessage>(
  ports: OutcomePorts,
  messages: readonly M[],
): Promise<M[]> {
  const unreadable: M[] = [];
  const outcomes = messages.flatMap((message): AttemptOutcome[] => {
    const outcome = readOutcome(message.body);
    if (outcome.ok) return [outcome.value];
    unreadable.push(message);
    ports.onTrouble(new Error(`message ${message.messageId} of the outcomes queue is no outcome: ${outcome.problem}`));
    return [];
  });
  if (outcomes.length > 0) await closeAll(ports, outcomes);
  return unreadable;
}

async function closeAll(ports: OutcomePorts, outcomes: readonly AttemptOutcome[]): Promise<void> {
  await ports.routing.refresh();
  const components = await ports.routing.decideOn(
    ({ listeners }) => new Map(listeners.map(({ component }) => [component.name, component])),
  );
  const entries = await ports.events.deliveriesOf([...new Set(outcomes.map(({ eventKey }) => eventKey))]);
  const tally = outcomeTally();
  const closes = new Map<string, { name: string; closing: Close }>();
  for (const { component: name, eventKey, deliveryKey, attempt, result } of outcomes) {
    const entry = entries.get(eventKey)?.find((known) => known.deliveryKey === deliveryKey);
    if (entry?.attempt !== attempt || !isAwaited(entry) || closes.has(deliveryKey)) continue;
    const component = components.get(name) ?? removedComponent(name);
    const { failures, lapses, since, generation } = entry;
    const broughtBackBy = lookedAfterBy(generation);
    const settled = { deliveryKey, component, attempt, failures, lapses, since, broughtBackBy };
    const closing = closeOf(settled, result, ports.now(), ports.random());
    closes.set(deliveryKey, { name, closing });
  }
  if (closes.size === 0) return;
  const taken = await ports.events.close([...closes.values()].map(({ closing }) => closing));
  for (const [index, { name, closing }] of [...closes.values()].entries()) {
    if (taken[index]) tally.add(closing.at, name, closing.executedVersion ?? "", closing.outcome);
  }
  await ports.events.count(tally.take()).catch(ports.onTrouble);
}

/** Also while it is only claimed: the outcome may be here before the router has noted that it was accepted. */
function isAwaited({ status }: LedgerEntry): boolean {
  return status === "accepted" || status === "claimed";
}
