import type { AttemptOutcome } from "../../domain/deliveries/attempt-outcome.ts";
import { deliveryMark } from "../../domain/deliveries/attempt-reference.ts";
import type { Close, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { LIVE } from "../../domain/deliveries/delivery-key.ts";
import type { DeliveryReport } from "../../domain/deliveries/delivery-report.ts";
import { readOutcome } from "../../domain/deliveries/outcome-message.ts";
import { isTokenOf } from "../../domain/deliveries/outcome-token.ts";
import { closeOf, lookedAfterBy } from "../../domain/deliveries/settle-attempt.ts";
import { removedComponent } from "../../domain/routing/component.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import { untilWritten, type WritePorts } from "../kept-writes.ts";
import type { RoutingCache } from "../routing-cache.ts";
import type { DeliveryCounter } from "./count-deliveries.ts";
import { countedAttempt } from "./counted-attempt.ts";

export type OutcomePorts = WritePorts & {
  routing: RoutingCache;
  events: Pick<DeliveryLedger, "deliveriesOf" | "close"> & Pick<EventRecords, "find">;
  counter: DeliveryCounter;
  report: (report: DeliveryReport) => void;
  /** Told of a message that is no outcome, and of an error that did no delivery any harm. */
  onError: (error: unknown) => void;
};

/** A message of the outcomes queue. `sender`: who has put it there, as far as the queue says. */
export type OutcomeMessage = { messageId: string; body: string; sender?: string };

/**
 * Closes the attempts that these messages tell of. One that is no longer the newest, or unknown, changes nothing. A
 * failed one is tried again by the sweeper: no message stands for it. Returns the messages that are no outcomes, and
 * those whose attempt was handed to somebody else: they have closed nothing.
 *
 * @throws what the routing table or the store throws; then the whole batch has to come back
 */
export async function takeOutcomes<M extends OutcomeMessage>(
  ports: OutcomePorts,
  messages: readonly M[],
): Promise<M[]> {
  const unreadable: M[] = [];
  const told = messages.flatMap((message): Told<M>[] => {
    const outcome = readOutcome(message.body);
    if (outcome.ok) return outcome.value === undefined ? [] : [{ message, outcome: outcome.value }];
    unreadable.push(message);
    ports.onError(new Error(`message ${message.messageId} of the outcomes queue is no outcome: ${outcome.problem}`));
    return [];
  });
  return told.length === 0 ? unreadable : [...unreadable, ...(await closeAll(ports, told))];
}

/** How long closes are tried again before their messages are: each time these come back counts against them. */
const KEPT_MS = 30_000;

type Told<M> = { message: M; outcome: AttemptOutcome };

/** Returns the messages that are refused. */
async function closeAll<M extends OutcomeMessage>(ports: OutcomePorts, told: readonly Told<M>[]): Promise<M[]> {
  await ports.routing.refresh();
  const components = await ports.routing.decideOn(
    ({ listeners }) => new Map(listeners.map(({ component }) => [component.name, component])),
  );
  const entries = await ports.events.deliveriesOf([...new Set(told.map(({ outcome }) => outcome.eventKey))]);
  const closes = new Map<string, { entry: LedgerEntry; outcome: AttemptOutcome; closing: Close }>();
  const refused: M[] = [];
  for (const { message, outcome } of told) {
    const { eventKey, mark, attempt, token, tokenChars, functionArn, result } = outcome;
    const entry = entries.get(eventKey)?.find((known) => deliveryMark(known.deliveryKey) === mark);
    if (entry?.attempt !== attempt) continue;
    const { deliveryKey } = entry;
    // Also when the attempt is over: what is forged ends in the dead-letter queue, whoever was faster.
    if (!isTokenOf(token, entry.owner, { deliveryKey, attempt, functionArn }, tokenChars)) {
      refused.push(message);
      ports.onError(refusal(message, entry, outcome));
      continue;
    }
    if (!isAwaited(entry) || closes.has(deliveryKey)) continue;
    const component = components.get(entry.component) ?? removedComponent(entry.component);
    const { failures, lapses, since, generation } = entry;
    const broughtBackBy = lookedAfterBy(generation);
    const settled = { deliveryKey, component, attempt, failures, lapses, since, broughtBackBy };
    const closing = closeOf(settled, result, ports.now(), ports.random());
    closes.set(deliveryKey, { entry, outcome, closing });
  }
  if (closes.size === 0) return refused;
  const by = new Date(ports.now().getTime() + KEPT_MS);
  const closings = [...closes.values()].map(({ closing }) => closing);
  const taken = await untilWritten(ports, () => ports.events.close(closings), by);
  const closed = [...closes.values()].filter((_, index) => taken[index]);
  const facts = await factsOf(ports, closed);
  for (const [index, { entry, outcome, closing }] of closed.entries()) {
    const event = facts[index] ?? NOTHING_SAID;
    ports.counter.add(countedAttempt({ ...entry, ...event }, entry, closing));
    ports.report(reportOf(entry, outcome, event, closing, ports.now()));
  }
  await ports.counter.settle();
  return refused;
}

type EventFacts = NonNullable<AttemptOutcome["event"]>;

const NOTHING_SAID: EventFacts = { eventId: "", source: "", type: "", subject: {} };

/** What the events said of themselves: as it came back, else as it is stored. Undefined for what is gone by now. */
async function factsOf(
  { events, onError }: Pick<OutcomePorts, "events" | "onError">,
  closed: readonly { entry: LedgerEntry; outcome: AttemptOutcome }[],
): Promise<(EventFacts | undefined)[]> {
  const unsaid = closed.flatMap(({ entry, outcome }) =>
    outcome.event === undefined ? [{ eventKey: outcome.eventKey, payloadHash: entry.payloadHash, t0: entry.t0 }] : [],
  );
  // They are closed all the same: only what is told of them would lack who they are about.
  const found =
    unsaid.length === 0
      ? []
      : await events.find(unsaid).catch((error: unknown) => {
          onError(error);
          return [];
        });
  const stored = found.values();
  return closed.map(({ outcome }) => {
    if (outcome.event !== undefined) return outcome.event;
    const record = stored.next().value;
    return record && { eventId: record.id, source: record.source, type: record.detailType, subject: record.subject };
  });
}

/** What the router would have told, had it waited for the answer. */
function reportOf(
  {
    component,
    alias,
    because,
    generation,
    replay = generation === LIVE ? undefined : generation,
    ...entry
  }: LedgerEntry,
  { functionArn, requestId }: AttemptOutcome,
  { eventId, source, type, subject, traceparent }: EventFacts,
  { outcome, attempt, executedVersion, durationMs, ...closing }: Close,
  at: Date,
): DeliveryReport {
  return {
    record: { id: eventId, source, detailType: type, subject, t0: entry.t0 },
    at,
    component,
    decision: { alias, because },
    outcome,
    attempt,
    functionArn,
    routingRevision: entry.routingRevision,
    deliveryKey: entry.deliveryKey,
    ...(traceparent !== undefined && { traceparent }),
    ...(requestId !== "" && { requestId }),
    ...(replay !== undefined && { replay }),
    ...(executedVersion !== undefined && { executedVersion }),
    ...(durationMs !== undefined && { durationMs }),
    ...("error" in closing && { error: closing.error }),
  };
}

/** Whatever stands in the message may be its sender's invention: it is quoted. */
function refusal(
  { messageId, sender = "unknown" }: OutcomeMessage,
  { deliveryKey }: LedgerEntry,
  { attempt, functionArn }: AttemptOutcome,
): Error {
  return new Error(
    `message ${messageId} of the outcomes queue is refused: it tells of attempt ${attempt} of ${deliveryKey}, which was ` +
      `not handed to ${JSON.stringify(functionArn)} with the token that it gives. Sender: ${JSON.stringify(sender)}. ` +
      "The attempt stays as it is; see who may write to the queue.",
  );
}

/** Also while it is only claimed: the outcome may be here before the router has noted that it was accepted. */
function isAwaited({ status }: LedgerEntry): boolean {
  return status === "accepted" || status === "claimed";
}
