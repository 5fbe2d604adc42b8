import type { Claim } from "../../domain/deliveries/delivery.ts";
import { fairGroupOfSubject } from "../../domain/events/fair-group.ts";
import type { AdmittingQueue, KeptMessage, ReceivedMessage } from "../../event-queue/event-queue.ts";
import type { RecordedClaims } from "../../event-store/event-store.ts";
import { untilWritten } from "../kept-writes.ts";
import { release } from "./claim-deliveries.ts";
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
 * queue: a key that came before, an event of which it isn't known which one it is, and what has to be tried again.
 *
 * With the process nothing is lost: no message stands for these claims, so that the sweeper brings them back.
 * @returns once every event is safe; `end` resolves when nothing is left to do for them, and never rejects
 * @throws what the routing table or the store throws. Nothing was sent then, and the events can be put into the queue
 */
export async function routeOnArrival(
  ports: ArrivalPorts,
  arrivals: readonly ParsedEvent[],
): Promise<{ end: Promise<void> }> {
  const { routed, first, later, claims, owner } = await decideAndClaim(ports, arrivals, {
    received: false,
    claimAll: claimUnqueued(ports),
  });
  const isWon = (_: unknown, index: number) => claims[index]?.won === true;
  const won = first.filter(isWon);
  const begun = new Set(won.map(messageOf));
  const others = [...first.filter((_, index) => claims[index]?.won !== true), ...later.flat()];
  const unknown = routed.filter((one) => one.unknown !== undefined);
  const byQueue = new Set([...others.map(({ routed }) => routed), ...unknown]);
  const visibleAt = ports.now();
  // What was received counts as tried before; what is only a repeat is told as one.
  const repeats = [...byQueue].map((one) => ({ routed: one, visibleAt, receives: begun.has(one.message) ? 1 : 0 }));
  if (repeats.length > 0) {
    await keep(ports, repeats).catch(async (error: unknown) => {
      // None of them is answered for, so that whoever brings them again needn't wait for these claims.
      await release(ports, first, claims, owner);
      throw error;
    });
  }
  for (const { routes, record, unknown } of routed) {
    if (routes.length === 0 && unknown === undefined) reportUnrouted(ports, record);
  }
  return { end: deliver(ports, won, claims.filter(isWon), owner) };
}

function claimUnqueued(ports: ArrivalPorts): Deciding["claimAll"] {
  return (deliveries, routed, owner) => {
    const records = routed.filter(({ stored }) => !stored).map(({ record }) => record);
    const requests = deliveries.map(({ request }) => ({ ...request, unqueued: true as const }));
    return ports.events.recordAndClaim(records, requests, owner, ports.now());
  };
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
    for (const delivery of deliveries) comesBack.set(messageOf(delivery), again);
  }
  if (comesBack.size === 0) return;
  const routed = new Map(deliveries.map((delivery) => [messageOf(delivery), delivery.routed]));
  const back = [...routed].flatMap(([message, one]) => {
    const visibleAt = comesBack.get(message);
    return visibleAt === undefined ? [] : [{ routed: one, visibleAt, receives: 1 }];
  });
  await untilWritten(ports, () => keep(ports, back), FOR_GOOD).catch(ports.onError);
}

function messageOf({ routed }: Delivery): ReceivedMessage {
  return routed.message;
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
