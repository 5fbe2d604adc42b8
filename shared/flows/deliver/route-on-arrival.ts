import type { Claim, ClaimRequest } from "../../domain/deliveries/delivery.ts";
import { fairGroupOfSubject } from "../../domain/events/fair-group.ts";
import type { AdmittingQueue, KeptMessage, ReceivedMessage } from "../../event-queue/event-queue.ts";
import type { Arrived, RecordedClaims } from "../../event-store/event-store.ts";
import { untilWritten } from "../kept-writes.ts";
import { type Deciding, decideAndClaim, deliverRound, reportUnrouted } from "./route-batch.ts";
import type { ParsedEvent, RoutedMessage } from "./route-message.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";
import { sendOne } from "./send-one.ts";

export type ArrivalPorts = RouterPorts & {
  events: RecordedClaims;
  queue: Pick<AdmittingQueue, "keep">;
};

/** How soon events are looked at again whose deliveries couldn't be closed. */
const LOOK_AGAIN_MS = 1_000;

/** A message that isn't stored is worth every try. */
const FOR_GOOD = new Date(8.64e15);

/**
 * Takes events through their life as they arrive, which the queue has admitted and not stored. Where all is well, one
 * transaction makes an event safe, with its record and its claims; another one closes it. What isn't as simple goes by the
 * queue, with nothing stored of it: a key that came before, an event of which it isn't known which one it is. So does what
 * has to be tried again.
 *
 * With the process nothing is lost: no message stands for these claims, so that the sweeper brings them back.
 * @param batches what arrives together: decided, claimed and recorded as one, and then delivered batch by batch
 * @returns once every event is safe: for each batch what resolves when nothing is left to do for it, and never rejects
 * @throws what the routing table or the store throws. Nothing was sent then, and the events can be put into the queue
 */
export async function routeOnArrival(
  ports: ArrivalPorts,
  batches: readonly (readonly ParsedEvent[])[],
): Promise<{ end: Promise<void> }[]> {
  const { routed, first, claims, owner } = await decideAndClaim(ports, batches.flat(), {
    received: false,
    claimAll: claimWhole(ports),
    takeBack: (deliveries, claimed, by) => takeBack(ports, deliveries, claimed, by),
  });
  const isWon = (_: unknown, index: number) => claims[index]?.won === true;
  const won = first.filter(isWon);
  const begun = new Set(won.map(({ routed }) => routed));
  const byQueue = routed.filter((one) => one.unknown !== undefined || (one.routes.length > 0 && !begun.has(one)));
  if (byQueue.length > 0) {
    const visibleAt = ports.now();
    try {
      await keep(
        ports,
        byQueue.map((one) => ({ routed: one, visibleAt, receives: 0 })),
      );
    } catch (error) {
      // They go into the queue with the others then. Where this fails too, their leases end by themselves.
      await takeBack(ports, first, claims, owner).catch(() => {});
      throw error;
    }
  }
  for (const { routes, record, unknown } of routed) {
    if (routes.length === 0 && unknown === undefined) reportUnrouted(ports, record);
  }
  const wonClaims = claims.filter(isWon);
  let from = 0;
  return batches.map((batch) => {
    // What was won stands in the order of its events.
    const messages = new Set(batch.map(({ message }) => message));
    let to = from;
    for (let next = won[to]; next !== undefined && messages.has(next.routed.message); next = won[to]) to += 1;
    const end = deliver(ports, won.slice(from, to), wonClaims.slice(from, to), owner);
    from = to;
    return { end };
  });
}

/** Claims and records each event whole, or not at all: what was recorded and not claimed would wait for nobody. */
function claimWhole({ events, now }: ArrivalPorts): Deciding["claimAll"] {
  return async (deliveries, routed, owner) => {
    const asked = requestsOf(deliveries);
    const arrived = routed.flatMap((one): Arrived[] => {
      const requests = asked.get(one) ?? [];
      // Those that lack a delivery repeat an event beside them.
      return one.stored || requests.length < one.routes.length ? [] : [{ record: one.record, requests }];
    });
    const claims = arrived.length === 0 ? [] : await events.recordAndClaim(arrived, owner, now());
    const won = new Map<string, Claim | undefined>();
    arrived.forEach(({ requests }, index) => {
      requests.forEach(({ deliveryKey }, n) => void won.set(deliveryKey, claims[index]?.[n]));
    });
    return deliveries.map(({ request }) => won.get(request.deliveryKey) ?? GOES_BY_QUEUE);
  };
}

const GOES_BY_QUEUE: Claim = { won: false, why: "done" };

async function takeBack(
  { events }: ArrivalPorts,
  deliveries: readonly Delivery[],
  claims: readonly Claim[],
  owner: string,
): Promise<void> {
  const requests = requestsOf(deliveries.filter((_, index) => claims[index]?.won === true));
  const claimed = [...requests].map(([{ record }, asked]): Arrived => ({ record, requests: asked }));
  if (claimed.length > 0) await events.takeBack(claimed, owner);
}

/** The claims of each event, without a message that stands for them. */
function requestsOf(deliveries: readonly Delivery[]): Map<RoutedMessage, ClaimRequest[]> {
  const requests = new Map<RoutedMessage, ClaimRequest[]>();
  for (const { routed, request } of deliveries) {
    const unqueued: ClaimRequest = { ...request, unqueued: true };
    const asked = requests.get(routed);
    if (asked === undefined) requests.set(routed, [unqueued]);
    else asked.push(unqueued);
  }
  return requests;
}

async function deliver(
  ports: ArrivalPorts,
  deliveries: readonly Delivery[],
  claims: readonly Claim[],
  owner: string,
): Promise<void> {
  const comesBack = new Map<ReceivedMessage, Date>();
  try {
    await deliverRound(ports, deliveries, claims, { attempt: sendOne, owner }, comesBack);
  } catch (error) {
    ports.onError(error);
    const again = new Date(ports.now().getTime() + LOOK_AGAIN_MS);
    for (const delivery of deliveries) comesBack.set(delivery.routed.message, again);
  }
  if (comesBack.size === 0) return;
  const routed = new Map(deliveries.map(({ routed }) => [routed.message, routed]));
  const back = [...routed].flatMap(([message, one]) => {
    const visibleAt = comesBack.get(message);
    return visibleAt === undefined ? [] : [{ routed: one, visibleAt, receives: 1 }];
  });
  await untilWritten(ports, () => keep(ports, back), FOR_GOOD).catch(ports.onError);
}

type Kept = Omit<KeptMessage, "message"> & { routed: RoutedMessage };

function keep({ queue }: ArrivalPorts, kept: readonly Kept[]): Promise<void> {
  return queue.keep(
    kept.map(({ routed: { message, facts, record }, ...times }) => ({
      message: { ...message, group: fairGroupOfSubject(facts?.subject ?? {}, record.source) },
      ...times,
    })),
  );
}
