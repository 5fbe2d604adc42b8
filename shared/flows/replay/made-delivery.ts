import type { Claim, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { type DeliveryState, stateOf } from "../../domain/replays/replay-counts.ts";
import type { Delivery } from "../deliver/router-ports.ts";
import type { Settled } from "../deliver/settle-delivery.ts";

/** What became of one delivery of a page. */
export type Made = { state: DeliveryState; delivery: Delivery; version: string };

/** What the ledger says of a delivery that was handed over. */
export function restOf(entry: LedgerEntry, { delivery, version }: Made): Made {
  return { state: stateOf(entry), delivery, version: entry.executedVersion ?? version };
}

/** What one attempt has made of a delivery. */
export function madeOf(delivery: Delivery, { outcome, executedVersion = "" }: Settled, answer: Claim): Made {
  return { state: answer.won ? stateAfter(outcome) : stateFound(answer.why), delivery, version: executedVersion };
}

function stateAfter(outcome: Settled["outcome"]): DeliveryState {
  return outcome === "done" || outcome === "dead" ? outcome : "open";
}

/** Of one that couldn't be claimed. */
function stateFound(why: (Claim & { won: false })["why"]): DeliveryState {
  if (why === "done") return "done";
  return why === "dead" || why === "rejected" || why === "payload differs" ? "dead" : "open";
}
