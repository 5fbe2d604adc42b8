import {
  type Claim,
  type Close,
  type DeliveryError,
  type EventRecord,
  LEASE_MARGIN_MS,
} from "../../domain/deliveries/delivery.ts";
import { deliveryKeyOf } from "../../domain/deliveries/delivery-key.ts";
import { entryExpiry } from "../../domain/deliveries/retention.ts";
import { isUnreadableRecord } from "../../domain/deliveries/unreadable-entry.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import type { WritePorts } from "../kept-writes.ts";
import { untilWritten } from "../kept-writes.ts";
import type { RoutedMessage } from "./route-message.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";

/** The deliveries of a message, one per component. */
export function deliveriesOf(routed: RoutedMessage): Delivery[] {
  const { record, revision, generation } = routed;
  return routed.routes.map((route) => ({
    routed,
    route,
    request: {
      deliveryKey: deliveryKeyOf(route.component.name, record.eventKey, generation),
      component: route.component.name,
      eventKey: record.eventKey,
      generation,
      payloadHash: record.payloadHash,
      t0: record.t0,
      alias: route.decision.alias,
      because: route.decision.because,
      routingRevision: revision,
      leaseMs: route.component.timeoutMs + LEASE_MARGIN_MS,
      expiresAt: entryExpiry(record),
    },
  }));
}

/** Splits deliveries so that no round holds a key twice: the second message of a key is judged by what the first did. */
export function roundsOf(deliveries: readonly Delivery[]): Delivery[][] {
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

/** What claims are given back with. */
type ClosePorts = WritePorts & { events: Pick<DeliveryLedger, "close"> };

export async function claim(
  ports: Pick<RouterPorts, "now"> & { events: Pick<DeliveryLedger, "claim"> },
  deliveries: readonly Delivery[],
  owner: string,
): Promise<Claim[]> {
  if (deliveries.length === 0) return [];
  return ports.events.claim(
    deliveries.map(({ request }) => request),
    owner,
    ports.now(),
  );
}

/**
 * Claims deliveries and records the messages' events, both before any send: the claim, so that nobody else sends; the
 * record, so that whatever is sent can be replayed.
 */
export async function claimAndRecord(
  ports: ClosePorts & { events: Pick<EventRecords, "record"> & Pick<DeliveryLedger, "claim"> },
  deliveries: readonly Delivery[],
  routed: readonly RoutedMessage[],
  owner: string,
): Promise<Claim[]> {
  const fresh = routed.filter(({ stored }) => !stored).map(({ record }) => record);
  const [claims, recorded] = await Promise.allSettled([
    claim(ports, deliveries, owner),
    fresh.length === 0 ? undefined : ports.events.record(fresh),
  ]);
  if (claims.status === "rejected") throw claims.reason;
  if (recorded.status === "rejected") {
    await giveBack(ports, deliveries, claims.value);
    throw recorded.reason;
  }
  return claims.value;
}

/**
 * A delivery counts by the record of the message that won its first claim. Where that was another message, its router
 * may have ended between claim and record, so the record is written for it, unless it is there.
 */
export async function recordFirsts(
  ports: ClosePorts & { events: Pick<EventRecords, "find" | "record"> },
  round: readonly Delivery[],
  claims: readonly Claim[],
): Promise<void> {
  const records = claims.flatMap((answer, index): EventRecord[] => {
    const routed = round[index]?.routed;
    if (!answer.won || routed === undefined || answer.t0.getTime() === routed.record.t0.getTime()) return [];
    return [{ ...routed.record, t0: answer.t0 }];
  });
  if (records.length === 0) return;
  try {
    const found = await ports.events.find(records);
    const missing = records.filter((_, index) => isLost(found[index]));
    if (missing.length > 0) await ports.events.record(missing);
  } catch (error) {
    await giveBack(ports, round, claims);
    throw error;
  }
}

/** Also one whose body is lost, or that can't be read: the message has it all. */
function isLost(found: EventRecord | undefined): boolean {
  return found === undefined || found.unavailable !== undefined || isUnreadableRecord(found);
}

/**
 * Takes back claims of a routing that has changed since, before anything was sent. A first claim leaves no trace: its
 * component may not even listen any more. One of a delivery that was begun before is free to be won again at once.
 */
export async function release(
  ports: ClosePorts & { events: Pick<DeliveryLedger, "release"> },
  deliveries: readonly Delivery[],
  claims: readonly Claim[],
  owner: string,
): Promise<void> {
  const firsts = claims.flatMap((answer, index): string[] => {
    const deliveryKey = deliveries[index]?.request.deliveryKey;
    return answer.won && answer.attempt === 1 && deliveryKey !== undefined ? [deliveryKey] : [];
  });
  const others = claims.map((answer): Claim => (answer.won && answer.attempt === 1 ? NOTHING_WON : answer));
  const error = { type: "RoutingChanged", message: "the routing changed while the delivery was claimed" };
  await Promise.all([
    firsts.length === 0 ? undefined : untilWritten(ports, () => ports.events.release(firsts, owner), lastLease(claims)),
    close(ports, deliveries, others, error),
  ]);
}

const NOTHING_WON: Claim = { won: false, why: "done" };

/** The events could not be recorded, so nothing may be sent: the claims go back, uncounted, to be won again. */
async function giveBack(ports: ClosePorts, deliveries: readonly Delivery[], claims: readonly Claim[]): Promise<void> {
  const error = { type: "NotRecorded", message: "the event could not be stored before it was sent" };
  // The lease ends by itself if this fails as well; the error that matters is the one about the record.
  await close(ports, deliveries, claims, error).catch(() => {});
}

/** Closes what was won as postponed, free to be won again at once. */
async function close(
  ports: ClosePorts,
  deliveries: readonly Delivery[],
  claims: readonly Claim[],
  error: DeliveryError,
): Promise<void> {
  const at = ports.now();
  const closes = claims.flatMap((answer, index): Close[] => {
    const delivery = deliveries[index];
    if (!answer.won || delivery === undefined) return [];
    const { request, route } = delivery;
    // What is held stays so: it isn't known yet whether its component wants it.
    const why = route.held ?? error;
    const { deliveryKey } = request;
    return [{ deliveryKey, attempt: answer.attempt, at, outcome: "postponed", error: why, nextAttemptAt: at }];
  });
  if (closes.length > 0) await untilWritten(ports, () => ports.events.close(closes), lastLease(claims));
}

/** When the last lease ends that these claims have won; long ago for none. */
function lastLease(claims: readonly Claim[]): Date {
  return new Date(Math.max(0, ...claims.map((claim) => (claim.won ? claim.leaseUntil.getTime() : 0))));
}
