import { type InboxItem, inboxOutcome } from "../../domain/deliveries/inbox-item.ts";
import { isLive, type LaptopLease, lapseText } from "../../domain/routing/laptop-lease.ts";
import type { EventQueue } from "../../event-queue/event-queue.ts";
import type { LaptopStore } from "../../laptop-store/laptop-store.ts";

export type InboxPorts = {
  laptops: LaptopStore;
  outcomes: Pick<EventQueue, "send">;
  now: () => Date;
};

/** Items taken at once. */
const PAGE_SIZE = 100;

/** How long after its end a lease is kept: until then a router that read it before may still fill its inbox. */
const FORGOTTEN_MS = 86_400_000;

/**
 * Has everything decided again that waits for a laptop which is gone. Returns how many attempts that were.
 * @throws what was wrong with one laptop's inbox, once those of the others are swept
 */
export async function sweepInboxes(ports: InboxPorts): Promise<number> {
  let swept = 0;
  const problems: unknown[] = [];
  for (const lease of await ports.laptops.leases()) {
    if (isLive(lease, ports.now())) continue;
    try {
      swept += await sweepInbox(ports, lease);
    } catch (error) {
      problems.push(error);
    }
  }
  if (problems.length > 0) throw problems[0];
  return swept;
}

async function sweepInbox(ports: InboxPorts, lease: LaptopLease): Promise<number> {
  const { laptops, now } = ports;
  const why = lapseText(lease, now()) ?? "";
  let swept = 0;
  for (;;) {
    const items = await laptops.inbox(lease, PAGE_SIZE);
    await handBack(ports, items, why);
    swept += items.length;
    if (items.length < PAGE_SIZE) break;
  }
  if (now().getTime() - Date.parse(lease.until) > FORGOTTEN_MS) await laptops.removeLease(lease);
  return swept;
}

/** The type of the error of an attempt that went to a laptop which is gone. Nothing is counted against the code. */
const GONE = "Laptop.Gone";

/**
 * Closes these attempts by messages, so that they are decided again at once. Told first: a crash between the two tells
 * it twice, and the second message finds the attempt closed.
 */
export async function handBack(ports: InboxPorts, items: readonly InboxItem[], why: string): Promise<void> {
  if (items.length === 0) return;
  const at = ports.now();
  const error = { type: GONE, message: why };
  await ports.outcomes.send(
    items.map((item) => inboxOutcome(item, { outcome: "handed back", error }, at)),
    at,
  );
  await ports.laptops.remove(items);
}
