import type { Claim } from "../../domain/deliveries/delivery.ts";
import type { DeliveryReport } from "../../domain/deliveries/delivery-report.ts";
import type { ReceivedMessage } from "../../event-queue/event-queue.ts";
import { claim, claimAndRecord, deliveriesOf, recordFirsts, release, roundsOf } from "./claim-deliveries.ts";
import { decideBatch } from "./decide-batch.ts";
import { type Attempting, deliverClaimed } from "./deliver-claimed.ts";
import { type ParsedMessage, parseMessage, type RoutedMessage } from "./route-message.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";
import { sendOne } from "./send-one.ts";

/** A message that isn't finished and has to come back. */
export type ReturnedMessage = { message: ReceivedMessage; retryInMs: number };

/**
 * Takes a batch of messages through their life: decide, claim and record, send, close. Returns the messages that have
 * to come back. Every other one is at rest in the store, or the sweeper looks after it, and may be deleted.
 *
 * @param attempt how a claimed delivery is attempted; by default it is sent
 * @param received true when the messages were received before, whatever they say of that; default false
 * @throws what the routing table or the store throws; then the whole batch has to come back
 */
export async function routeBatch(
  ports: RouterPorts,
  messages: readonly ReceivedMessage[],
  { attempt = sendOne, received = false }: { attempt?: Attempting; received?: boolean } = {},
): Promise<ReturnedMessage[]> {
  const parsed = messages.map(parseMessage);
  const { routed, first, later, claims, owner } = await decideAndClaim(ports, parsed, {
    received,
    claimAll: (deliveries, decided, by) => claimAndRecord(ports, deliveries, decided, by),
    takeBack: (deliveries, claims, by) => release(ports, deliveries, claims, by),
  });
  const comesBack = new Map<ReceivedMessage, Date>();
  for (const { message, routes, record, unknown } of routed) {
    if (unknown !== undefined) comesBack.set(message, lookAgainAt(ports.now(), message));
    else if (routes.length === 0) reportUnrouted(ports, record);
  }
  const trouble = routed.find(({ unknown }) => unknown !== undefined)?.unknown;
  if (trouble !== undefined) ports.onError(new Error(`Events wait: ${trouble.message}.`));

  await deliverRound(ports, first, claims, { attempt, owner }, comesBack);
  for (const round of later) {
    const roundOwner = ports.newId();
    await deliverRound(ports, round, await claim(ports, round, roundOwner), { attempt, owner: roundOwner }, comesBack);
  }

  const now = ports.now().getTime();
  return [...comesBack].map(([message, at]) => ({ message, retryInMs: Math.max(0, at.getTime() - now) }));
}

/** Delivers what was claimed, and notes in `comesBack` which messages have to, and when. */
export async function deliverRound(
  ports: RouterPorts,
  round: readonly Delivery[],
  claims: readonly Claim[],
  by: { attempt: Attempting; owner: string },
  comesBack: Map<ReceivedMessage, Date>,
): Promise<void> {
  await recordFirsts(ports, round, claims);
  const settled = await deliverClaimed(ports, round, claims, by);
  settled.forEach(({ comesBackAt }, index) => {
    const message = round[index]?.routed.message;
    if (comesBackAt === undefined || message === undefined) return;
    const earlier = comesBack.get(message);
    if (earlier === undefined || comesBackAt < earlier) comesBack.set(message, comesBackAt);
  });
}

export type Deciding = {
  /** True when the messages were received before, whatever they say of that. */
  received: boolean;
  /** Claims the deliveries and records the messages' events. */
  claimAll: (deliveries: readonly Delivery[], routed: readonly RoutedMessage[], owner: string) => Promise<Claim[]>;
  /** Makes that as if it had never been. */
  takeBack: (deliveries: readonly Delivery[], claims: readonly Claim[], owner: string) => Promise<void>;
};

/**
 * Decides, claims and records on the routing as it is remembered, while the head is read to see whether that is still
 * true. Where a change has been committed meanwhile, the claims go back as if they had never been made, and it is all done
 * again on the new routing, which then is no older than the batch.
 */
export async function decideAndClaim(
  ports: RouterPorts,
  parsed: readonly ParsedMessage[],
  { received, claimAll, takeBack }: Deciding,
) {
  const attempt = async () => {
    const routed = await decideBatch(ports, parsed, received);
    const owner = ports.newId();
    const [first = [], ...later] = roundsOf(routed.flatMap(deliveriesOf));
    return { routed, owner, first, later };
  };
  const remembered = await attempt();
  const { first, owner } = remembered;
  const [claims, head] = await Promise.allSettled([claimAll(first, remembered.routed, owner), ports.routing.refresh()]);
  if (claims.status === "rejected") throw claims.reason;
  const isCurrent = head.status === "fulfilled" && remembered.routed.every(({ revision }) => revision === head.value);
  if (isCurrent) return { ...remembered, claims: claims.value };
  await takeBack(first, claims.value, owner);
  if (head.status === "rejected") throw head.reason;
  const anew = await attempt();
  return { ...anew, claims: await claimAll(anew.first, anew.routed, anew.owner) };
}

/** Longest wait of a message of which it isn't known which event it is. */
const MAX_UNKNOWN_MS = 300_000;

function lookAgainAt(now: Date, { receiveCount }: ReceivedMessage): Date {
  return new Date(now.getTime() + Math.min(MAX_UNKNOWN_MS, 1_000 * 2 ** (receiveCount - 1)));
}

export function reportUnrouted(ports: Pick<RouterPorts, "now" | "report">, record: DeliveryReport["record"]): void {
  const at = ports.now();
  if (record.rejected === undefined) ports.report({ record, at, outcome: "unmatched" });
  else ports.report({ record, at, outcome: "rejected", error: { type: "Unreadable", message: record.rejected } });
}
