import { redeliveryBody, redeliveryGroup } from "../../domain/deliveries/redelivery.ts";
import type { EventQueue } from "../../event-queue/event-queue.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventStore } from "../../event-store/event-store.ts";

export type SweepPorts = {
  events: Pick<DeliveryLedger, "due" | "handOver"> & Pick<EventStore, "expire">;
  queue: Pick<EventQueue, "send">;
  now: () => Date;
};

/** What a sweep did: deliveries it put into the queue, and rows it removed because they had expired. */
export type Swept = { redelivered: number; expired: number };

/** Deliveries and rows taken at once. */
const PAGE_SIZE = 100;

/**
 * How long a message that was sent for a delivery may take until the delivery is looked at again. Only a message that
 * was lost, or a queue that is as far behind, makes a second one, which then finds the delivery claimed or at rest.
 */
const HANDED_OVER_MS = 15 * 60_000;

/**
 * Puts every delivery whose time has come back into the queue, and removes what has expired. One that ends in the
 * middle has lost nothing: whatever it did not get to is due the next time.
 *
 * @param until stops taking more then, with what was begun finished
 */
export async function sweep({ events, queue, now }: SweepPorts, until: Date): Promise<Swept> {
  const swept: Swept = { redelivered: 0, expired: 0 };
  for (;;) {
    const at = now();
    if (at >= until) return swept;
    const due = await events.due(at, PAGE_SIZE);
    if (due.length === 0) break;
    // Sent first: a crash between the two sends twice, and the second message finds the first one's claim.
    await queue.send(
      // What one component has failed at comes back by the thousand, and must not stand before what is new.
      due.map((entry) => ({ body: redeliveryBody(entry), group: redeliveryGroup(entry) })),
      at,
    );
    await events.handOver(due, new Date(at.getTime() + HANDED_OVER_MS));
    swept.redelivered += due.length;
    if (due.length < PAGE_SIZE) break;
  }
  for (;;) {
    const at = now();
    if (at >= until) return swept;
    const expired = await events.expire(at, PAGE_SIZE);
    swept.expired += expired;
    if (expired < PAGE_SIZE) return swept;
  }
}
