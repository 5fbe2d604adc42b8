import type { Claim, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { type DeliveryState, stateOf } from "../../domain/replays/replay-counts.ts";
import type { Delivery } from "../deliver/router-ports.ts";
import type { Settled } from "../deliver/settle-delivery.ts";

/** What became of one delivery of a page. `againAt`: when it may be tried again, or its outcome be known. */
export type Made = { state: DeliveryState; delivery: Delivery; version: string; againAt?: Date };

/** What the ledger says of a delivery that was handed over. */
export function restOf(entry: LedgerEntry, { delivery, version }: Made): Made {
  return { state: stateOf(entry), delivery, version: entry.executedVersion ?? version };
}

/** What one attempt has made of a delivery. */
export function madeOf(delivery: Delivery, settled: Settled, answer: Claim): Made {
  const version = settled.executedVersion ?? "";
  const { outcome, comesBackAt } = settled;
  if (!answer.won) {
    const state = answer.why === "done" ? "done" : isOver(answer.why) ? "dead" : "open";
    return { state, delivery, version, ...(comesBackAt === undefined ? {} : { againAt: comesBackAt }) };
  }
  const state = outcome === "done" || outcome === "dead" ? outcome : "open";
  return { state, delivery, version, ...(comesBackAt === undefined ? {} : { againAt: comesBackAt }) };
}

function isOver(why: (Claim & { won: false })["why"]): boolean {
  return why === "dead" || why === "rejected" || why === "payload differs";
}
