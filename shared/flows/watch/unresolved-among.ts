import { eventKeyIn } from "../../domain/deliveries/delivery-key.ts";
import { madeGoodBy } from "../../domain/deliveries/unresolved.ts";
import type { Failure } from "../../domain/health/failure.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";

/** How many of these deliveries are dead, and were not made good since. */
export async function unresolvedAmong(
  events: Pick<DeliveryLedger, "deliveries" | "deliveriesOf">,
  failures: readonly Failure[],
): Promise<number> {
  if (failures.length === 0) return 0;
  const entries = await events.deliveries([...new Set(failures.map(({ deliveryKey }) => deliveryKey))]);
  const dead = entries.filter((entry) => entry?.status === "dead").filter((entry) => entry !== undefined);
  if (dead.length === 0) return 0;
  const all = await events.deliveriesOf([...new Set(dead.map(({ deliveryKey }) => eventKeyIn(deliveryKey)))]);
  return dead.filter((entry) => {
    const siblings = (all.get(entry.eventKey) ?? []).filter(({ component }) => component === entry.component);
    return madeGoodBy(entry, siblings) === undefined;
  }).length;
}
