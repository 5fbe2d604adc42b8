import type { LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { deliveryKeyIn } from "../../domain/deliveries/inbox-item.ts";
import type { LaptopStore } from "../../laptop-store/laptop-store.ts";

/** More than waits for any laptop. */
const EVERYTHING = 1_000_000;

/** Tells which attempts lie with laptops now: a server that ends takes none of them with it. */
export async function heldByLaptops(
  laptops: Pick<LaptopStore, "leases" | "inbox">,
): Promise<(entry: LedgerEntry) => boolean> {
  const leases = await laptops.leases();
  const items = await Promise.all(leases.map((lease) => laptops.inbox(lease, EVERYTHING)));
  const attempts = new Map(items.flat().map((item) => [deliveryKeyIn(item), item.turnout.attempt]));
  return ({ status, deliveryKey, attempt }) => status === "accepted" && attempts.get(deliveryKey) === attempt;
}
