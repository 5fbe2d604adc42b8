import type { Claim } from "../domain/delivery.ts";
import type { DeliveryReport } from "../domain/delivery-report.ts";
import { outcomeTally } from "../domain/outcome-count.ts";
import type { AttemptResult } from "../domain/settle-attempt.ts";
import { claim, claimAndRecord, deliveriesOf, recordFirsts, roundsOf } from "./claim-deliveries.ts";
import { closeBuffer } from "./close-buffer.ts";
import {
  type ParsedMessage,
  parseMessage,
  type QueuedMessage,
  type RoutedMessage,
  routeAgain,
  routeMessage,
} from "./read-messages.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";
import { sendOne } from "./send-one.ts";
import { passOver, type Settling, settle } from "./settle-delivery.ts";

/** A message that isn't finished and has to come back. */
export type ReturnedMessage = { message: QueuedMessage; retryInMs: number };

/** Makes an attempt of a claimed delivery. Whatever goes wrong is in the result. */
export type Attempting = (
  ports: RouterPorts,
  delivery: Delivery,
  claimed: Claim & { won: true },
) => Promise<AttemptResult>;

/**
 * Takes a batch of messages through their life: decide, claim and record, send, close. Returns the messages that have
 * to come back. Every other one is at rest in the store, or the sweeper looks after it, and may be deleted.
 *
 * @throws what the routing table or the store throws; then the whole batch has to come back
 */
export async function routeBatch(
  ports: RouterPorts,
  messages: readonly QueuedMessage[],
  attempt: Attempting = sendOne,
): Promise<ReturnedMessage[]> {
  const routed = await decideBatch(ports, messages.map(parseMessage));
  const tally = outcomeTally();
  const owner = ports.newId();
  const [first = [], ...later] = roundsOf(routed.flatMap(deliveriesOf));
  const claims = await claimAndRecord(ports, first, routed, owner);
  for (const message of routed) if (message.routes.length === 0) reportUnrouted(ports, message.record);

  const comesBack = new Map<QueuedMessage, Date>();
  const finish = async (round: readonly Delivery[], answers: readonly Claim[], roundOwner: string) => {
    await recordFirsts(ports, round, answers);
    const verdicts = await deliver(ports, round, answers, { attempt, owner: roundOwner, tally });
    verdicts.forEach((retryAt, index) => {
      const message = round[index]?.routed.message;
      if (retryAt === undefined || message === undefined) return;
      const earlier = comesBack.get(message);
      if (earlier === undefined || retryAt < earlier) comesBack.set(message, retryAt);
    });
  };
  await finish(first, claims, owner);
  for (const round of later) {
    const roundOwner = ports.newId();
    await finish(round, await claim(ports, round, roundOwner), roundOwner);
  }

  const now = ports.now().getTime();
  return [...comesBack].map(([message, at]) => ({ message, retryInMs: Math.max(0, at.getTime() - now) }));
}

/** Decides all messages of a batch on one view that is no older than the batch. */
async function decideBatch(ports: RouterPorts, parsed: readonly ParsedMessage[]): Promise<RoutedMessage[]> {
  const asked = parsed.flatMap((message) => ("redelivery" in message ? [message.redelivery] : []));
  const [found] = await Promise.all([asked.length === 0 ? [] : ports.events.find(asked), ports.routing.refresh()]);
  const records = new Map(asked.map((redelivery, index) => [redelivery, found[index]]));
  return ports.routing.decideOn((view) =>
    parsed.map((message) =>
      "redelivery" in message
        ? routeAgain(message.message, message.redelivery, records.get(message.redelivery), view, ports.now())
        : routeMessage(message, view, ports.now()),
    ),
  );
}

type Delivering = { attempt: Attempting; owner: string; tally: ReturnType<typeof outcomeTally> };

/** Answers, per delivery, when its message has to come back; undefined when nothing is left to do. */
async function deliver(
  ports: RouterPorts,
  deliveries: readonly Delivery[],
  claims: readonly Claim[],
  { attempt, owner, tally }: Delivering,
): Promise<(Date | undefined)[]> {
  const won = claims.filter((answer) => answer.won).length;
  let uncounted = deliveries.length;
  let counted: Promise<void> = Promise.resolve();
  const settling: Settling = {
    close: closeBuffer(ports.events, won, ports.delay),
    // With the last outcome known, not with the last close written: the two requests then wait side by side.
    count(component, version, outcome) {
      tally.add(ports.now(), component, version, outcome);
      uncounted -= 1;
      if (uncounted === 0) counted = writeCounts(ports, tally);
    },
  };
  // Every delivery runs to its end, also when another one's close fails: a send in flight must not be abandoned.
  const settled = await Promise.allSettled(
    deliveries.map(async (delivery, index) => {
      const answer = claims[index];
      if (answer === undefined) throw new Error(`the store answered no claim for ${delivery.request.deliveryKey}`);
      if (!answer.won) return passOver(ports, delivery, answer, owner, settling);
      return settle(ports, delivery, answer, await attempt(ports, delivery, answer), settling);
    }),
  );
  await (uncounted === 0 ? counted : writeCounts(ports, tally));
  return settled.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

/** Counts are approximate, as it is said of them: without one the deliveries are no less done. */
async function writeCounts(ports: RouterPorts, tally: Delivering["tally"]): Promise<void> {
  const counts = tally.take();
  if (counts.length === 0) return;
  await ports.events.count(counts).catch(ports.onTrouble);
}

function reportUnrouted(ports: RouterPorts, record: DeliveryReport["record"]): void {
  const at = ports.now();
  if (record.rejected === undefined) ports.report({ record, at, outcome: "unmatched" });
  else ports.report({ record, at, outcome: "rejected", error: { type: "Unreadable", message: record.rejected } });
}
