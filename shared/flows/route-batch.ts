import {
  type Claim,
  type ClaimRequest,
  type Close,
  type EventRecord,
  LEASE_MARGIN_MS,
  type LedgerEntry,
} from "../domain/delivery.ts";
import { deliveryKeyOf, LIVE } from "../domain/delivery-key.ts";
import type { DeliveryReport } from "../domain/delivery-report.ts";
import { retryDelayMs } from "../domain/retry.ts";
import { closeBuffer } from "./close-buffer.ts";
import { parseMessage, type QueuedMessage, type RoutedMessage, routeMessage } from "./read-messages.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";
import { type Sent, sendOne } from "./send-one.ts";

/** A message that isn't finished and has to come back. */
export type ReturnedMessage = { message: QueuedMessage; retryInMs: number };

/** Shortest wait for a delivery that somebody else is making; it doubles with every time the message comes back. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Takes a batch of messages through their life: decide, claim and record, send, close. Returns the messages that have
 * to come back. Every other one is at rest in the store and may be deleted.
 *
 * @throws what the routing table or the store throws; then the whole batch has to come back
 */
export async function routeBatch(ports: RouterPorts, messages: readonly QueuedMessage[]): Promise<ReturnedMessage[]> {
  await ports.routing.refresh();
  const parsed = messages.map(parseMessage);
  const routed = await ports.routing.decideOn((view) =>
    parsed.map((message) => routeMessage(message, view, ports.now())),
  );
  const owner = ports.newId();
  const [first = [], ...later] = roundsOf(routed.flatMap(deliveriesOf));

  // Both before any send: a claim, so that nobody else sends; the record, so that whatever is sent can be replayed.
  const [claims, recorded] = await Promise.allSettled([
    claim(ports, first, owner),
    ports.events.record(routed.map(({ record }) => record)),
  ]);
  if (claims.status === "rejected") throw claims.reason;
  if (recorded.status === "rejected") {
    await giveBack(ports, first, claims.value);
    throw recorded.reason;
  }
  for (const { record, routes } of routed) if (routes.length === 0) reportUnrouted(ports, record);

  const comesBack = new Map<QueuedMessage, Date>();
  const finish = async (round: readonly Delivery[], answers: readonly Claim[]) => {
    await recordFirsts(ports, round, answers);
    const verdicts = await deliver(ports, round, answers, owner);
    verdicts.forEach((retryAt, index) => {
      const message = round[index]?.routed.message;
      if (retryAt === undefined || message === undefined) return;
      const earlier = comesBack.get(message);
      if (earlier === undefined || retryAt < earlier) comesBack.set(message, retryAt);
    });
  };
  await finish(first, claims.value);
  for (const round of later) await finish(round, await claim(ports, round, ports.newId()));

  const now = ports.now().getTime();
  return [...comesBack].map(([message, at]) => ({ message, retryInMs: Math.max(0, at.getTime() - now) }));
}

function deliveriesOf(routed: RoutedMessage): Delivery[] {
  const { record, revision } = routed;
  return routed.routes.map((route) => ({
    routed,
    route,
    request: {
      deliveryKey: deliveryKeyOf(route.component.name, record.eventKey, LIVE),
      component: route.component.name,
      eventKey: record.eventKey,
      generation: LIVE,
      payloadHash: record.payloadHash,
      t0: record.t0,
      alias: route.decision.alias,
      because: route.decision.because,
      routingRevision: revision,
      leaseMs: route.component.timeoutMs + LEASE_MARGIN_MS,
    },
  }));
}

/** Splits deliveries so that no round holds a key twice: the second message of a key is judged by what the first did. */
function roundsOf(deliveries: readonly Delivery[]): Delivery[][] {
  const rounds: Delivery[][] = [];
  const seen = new Map<string, number>();
  for (const delivery of deliveries) {
    const round = seen.get(delivery.request.deliveryKey) ?? 0;
    seen.set(delivery.request.deliveryKey, round + 1);
    rounds[round] ??= [];
    rounds[round].push(delivery);
  }
  return rounds;
}

async function claim(ports: RouterPorts, deliveries: readonly Delivery[], owner: string): Promise<Claim[]> {
  if (deliveries.length === 0) return [];
  return ports.events.claim(
    deliveries.map(({ request }) => request),
    owner,
    ports.now(),
  );
}

/**
 * A delivery counts by the record of the message that won its first claim. Where that was another message, its router
 * may have ended between claim and record, so the record is written for it; if it is there, nothing changes.
 */
async function recordFirsts(ports: RouterPorts, round: readonly Delivery[], claims: readonly Claim[]): Promise<void> {
  const records = claims.flatMap((answer, index): EventRecord[] => {
    const record = round[index]?.routed.record;
    if (!answer.won || record === undefined || answer.t0.getTime() === record.t0.getTime()) return [];
    return [{ ...record, t0: answer.t0 }];
  });
  if (records.length === 0) return;
  try {
    await ports.events.record(records);
  } catch (error) {
    await giveBack(ports, round, claims);
    throw error;
  }
}

/** Answers, per delivery, when its message has to come back; undefined when nothing is left to do. */
async function deliver(
  ports: RouterPorts,
  deliveries: readonly Delivery[],
  claims: readonly Claim[],
  owner: string,
): Promise<(Date | undefined)[]> {
  const won = claims.filter((answer) => answer.won).length;
  const close = closeBuffer(ports.events, won, ports.delay);
  // Every delivery runs to its end, also when another one's close fails: a send in flight must not be abandoned.
  const settled = await Promise.allSettled(
    deliveries.map(async (delivery, index) => {
      const answer = claims[index];
      if (answer === undefined) throw new Error(`the store answered no claim for ${delivery.request.deliveryKey}`);
      if (!answer.won) return lost(ports, delivery, answer, owner);
      const sent = await sendOne(ports, delivery, answer);
      return settle(ports, delivery, answer, sent, close);
    }),
  );
  return settled.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

/** A claim that wasn't won: either somebody has finished with it, or the message looks again later. */
async function lost(
  ports: RouterPorts,
  delivery: Delivery,
  answer: Claim & { won: false },
  owner: string,
): Promise<Date | undefined> {
  const { request, routed } = delivery;
  const now = ports.now();
  if (answer.why === "claimed by another" || answer.why === "not due") {
    const lookAgain = now.getTime() + LOOK_AGAIN_MS * 2 ** Math.min(routed.message.receiveCount - 1, 10);
    return answer.why === "not due" ? answer.retryAt : new Date(Math.min(answer.retryAt.getTime(), lookAgain));
  }
  if (answer.why === "payload differs") {
    const entry = mismatch(request, answer.payloadHash, owner, now);
    await ports.events.reject([entry]);
    report(ports, delivery, { outcome: "rejected", ...(entry.error === undefined ? {} : { error: entry.error }) });
  } else {
    report(ports, delivery, { outcome: routed.message.receiveCount > 1 ? "redelivered" : "duplicate" });
  }
  return undefined;
}

/** The same key with another payload is never run; it stands in the ledger beside the delivery that came first. */
function mismatch(request: ClaimRequest, storedHash: string, owner: string, now: Date): LedgerEntry {
  const { leaseMs: _, ...asked } = request;
  return {
    ...asked,
    deliveryKey: `${request.deliveryKey}#${request.payloadHash}`,
    status: "rejected",
    attempt: 0,
    failures: 0,
    lapses: 0,
    owner,
    leaseUntil: now,
    closedAt: now,
    attempts: [],
    error: {
      type: "PayloadDiffers",
      message: `the idempotency key was used before with another payload: ${request.payloadHash} now, ${storedHash} then`,
    },
  };
}

/** Closes an attempt. Answers when the message has to come back. */
async function settle(
  ports: RouterPorts,
  delivery: Delivery,
  claimed: Claim & { won: true },
  sent: Sent,
  close: (close: Close) => Promise<boolean>,
): Promise<Date | undefined> {
  const closing = closeOf(ports, delivery, claimed, sent);
  const taken = await close(closing);
  const retryAt = "nextAttemptAt" in closing ? closing.nextAttemptAt : undefined;
  const { outcome: _, ...facts } = sent;
  report(ports, delivery, { ...facts, attempt: claimed.attempt, outcome: taken ? closing.outcome : "superseded" });
  // Whoever has taken over settles the delivery; this message looks again, and finds it done.
  return taken ? retryAt : new Date(ports.now().getTime() + LOOK_AGAIN_MS);
}

function closeOf(ports: RouterPorts, delivery: Delivery, claimed: Claim & { won: true }, sent: Sent): Close {
  const { retry } = delivery.route.component;
  const at = ports.now();
  const failures = claimed.failures + 1;
  // What is postponed isn't counted, but must wait longer each time as well: the queue gives a message up in the end.
  const tries = sent.outcome === "throttled" ? Math.max(failures, delivery.routed.message.receiveCount) : failures;
  const nextAttemptAt = new Date(at.getTime() + retryDelayMs(retry, tries, ports.random()));
  const { outcome: _, ...facts } = sent;
  const base = { ...facts, deliveryKey: delivery.request.deliveryKey, attempt: claimed.attempt, at };
  if (sent.outcome === "done") return { ...base, outcome: "done" };
  const { error } = sent;
  if (sent.outcome === "throttled") return { ...base, error, outcome: "postponed", nextAttemptAt };
  if (sent.outcome === "exhausted" || failures >= retry.maxAttempts) return { ...base, error, outcome: "dead" };
  return { ...base, error, outcome: "failed", nextAttemptAt };
}

/** The events could not be recorded, so nothing may be sent: the claims go back, uncounted, to be won again. */
async function giveBack(ports: RouterPorts, deliveries: readonly Delivery[], claims: readonly Claim[]): Promise<void> {
  const at = ports.now();
  const error = { type: "NotRecorded", message: "the event could not be stored before it was sent" };
  const closes = claims.flatMap((answer, index): Close[] => {
    const deliveryKey = deliveries[index]?.request.deliveryKey;
    if (!answer.won || deliveryKey === undefined) return [];
    return [{ deliveryKey, attempt: answer.attempt, at, outcome: "postponed", error, nextAttemptAt: at }];
  });
  if (closes.length === 0) return;
  // The lease ends by itself if this fails as well; the error that matters is the one about the record.
  await ports.events.close(closes).catch(() => []);
}

function report(
  ports: RouterPorts,
  { routed, route }: Delivery,
  facts: Omit<DeliveryReport, "record" | "at" | "component" | "decision">,
): void {
  const { component, decision } = route;
  ports.report({ record: routed.record, at: ports.now(), component: component.name, decision, ...facts });
}

function reportUnrouted(ports: RouterPorts, record: DeliveryReport["record"]): void {
  const at = ports.now();
  if (record.rejected === undefined) ports.report({ record, at, outcome: "unmatched" });
  else ports.report({ record, at, outcome: "rejected", error: { type: "Unreadable", message: record.rejected } });
}
