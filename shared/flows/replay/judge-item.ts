import type { LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { LIVE } from "../../domain/deliveries/delivery-key.ts";
import { wasNeverRun } from "../../domain/deliveries/ledger-rules.ts";
import type { AttemptResult } from "../../domain/deliveries/settle-attempt.ts";
import type { Replay } from "../../domain/replays/replay.ts";
import { type CountedItem, stateOf } from "../../domain/replays/replay-counts.ts";
import type { Delivery } from "../deliver/router-ports.ts";
import type { BegunItem, DeliverItem, ReplayItem } from "./replay-item.ts";
import type { ReplayerPorts } from "./replayer-ports.ts";

/**
 * How long a delivery that others are at is waited for, counted from the start: longer than any lease. For one that they
 * have handed over by then its outcome is waited for.
 */
const MAX_LEASE_MS = 900_000;

type Waiting = Pick<ReplayerPorts, "now" | "settleMs">;

/** Whether what became of an item isn't known yet, and will be. */
export function isAwaited(
  item: ReplayItem,
  result: CountedItem,
  { progress }: Replay,
  { now, settleMs }: Waiting,
): boolean {
  if (result.kind === "sent") {
    if (result.state !== "open") return false;
    // What was reopened in the generation of its arrival is looked after as such; a cancelled replay doesn't wait for it.
    const generation = item.kind === "deliver" ? item.delivery.request.generation : item.entry?.generation;
    return progress.cancelling !== true || generation !== LIVE;
  }
  if (result.kind !== "skip" || progress.cancelling === true) return false;
  if (result.reason === "held up") return true;
  if (result.reason !== "not at rest" || item.entry === undefined) return false;
  const { startedAt = now() } = progress;
  if (isOnItsWay(item.entry, startedAt, now())) return true;
  // What waits between two attempts may be at rest by the time of the second look.
  return item.entry.status === "failed" && now().getTime() < startedAt.getTime() + settleMs;
}

/**
 * Whether somebody else is at a delivery since before the replay began: once that is over it is to be made again. What was
 * tried once more since then follows the routing of today.
 */
function isOnItsWay({ status, closedAt }: LedgerEntry, startedAt: Date, now: Date): boolean {
  if (status !== "claimed" && status !== "accepted") return false;
  const at = status === "claimed" || closedAt === undefined ? now : closedAt;
  return at.getTime() - startedAt.getTime() < MAX_LEASE_MS;
}

export function untouched(item: ReplayItem, cancelling: boolean): CountedItem {
  switch (item.kind) {
    case "begun":
      return begun(item.entry);
    case "deliver":
      return { kind: "skip", reason: cancelling ? "cancelled" : "held up" };
    case "skip":
      return { kind: "skip", reason: item.reason };
  }
}

export function isToMake(item: ReplayItem, now: Date, cancelling: boolean): item is DeliverItem | BegunItem {
  if (item.kind === "deliver") return !cancelling;
  if (item.kind === "skip" || item.entry.generation === LIVE) return false;
  // What is to be given up needn't wait for its backoff.
  if (cancelling && item.entry.status === "failed") return true;
  const opens = opensAt(item.entry);
  return opens !== undefined && opens <= now;
}

/** When a delivery that isn't at rest may be claimed again. */
function opensAt({ status, nextAttemptAt, leaseUntil }: LedgerEntry): Date | undefined {
  if (status === "claimed") return leaseUntil;
  return status === "failed" || status === "accepted" ? nextAttemptAt : undefined;
}

function begun(entry: LedgerEntry): CountedItem & { kind: "sent" } {
  const { component, alias, executedVersion = "" } = entry;
  return { kind: "sent", state: stateOf(entry), component, alias, version: executedVersion };
}

/** Claimed before its time, as far as this replay hasn't done so before. */
export function givenUp(delivery: Delivery, name: string): Delivery {
  return { ...delivery, request: { ...delivery.request, reopenedBy: name } };
}

/** Dead of what it failed with, as far as that is known. */
export function givingUp(item: ReplayItem | undefined): AttemptResult {
  const { status, attempts = [], error: last } = item?.entry ?? {};
  const failure = attempts.findLast(({ outcome }) => outcome === "failed" || outcome === "dead")?.error ?? last;
  if (status !== "failed" || failure === undefined) {
    const message = "the replay was cancelled, and what became of the last attempt isn't known";
    return { outcome: "exhausted", error: { type: "ReplayCancelled", message } };
  }
  const message = `not tried again, as the replay was cancelled: ${failure.message}`;
  return { outcome: "exhausted", error: { type: failure.type, message } };
}

/** Whether the replay has claimed a delivery of its own, and nothing was ever sent for it. */
export function isUntried({ entry }: ReplayItem, name: string): boolean {
  return entry !== undefined && entry.generation === name && entry.status === "failed" && wasNeverRun(entry);
}
