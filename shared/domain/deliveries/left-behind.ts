import type { LedgerEntry } from "./delivery.ts";
import { netBelow } from "./ledger-rules.ts";
import { MAX_MESSAGE_BACKOFF_MS } from "./settle-attempt.ts";

/**
 * What becomes of an entry when the only process that delivers has ended: whoever held it is gone, and whatever was about
 * to be written for it may never have been. Undefined where it stays as it is.
 */
export function leftBehind(entry: LedgerEntry, now: Date): LedgerEntry | undefined {
  const { status, dueAt, nextAttemptAt, lapses } = entry;
  switch (status) {
    case "claimed":
      // Where no message stands for it, it is due at once.
      return { ...entry, leaseUntil: now, ...(dueAt !== undefined && { dueAt: now }) };
    case "accepted":
      // As after a lapsed lease, the version isn't to blame.
      return { ...entry, status: "failed", lapses: lapses + 1, nextAttemptAt: now, dueAt: now };
    case "failed":
      // Closed first, put into the queue then: whether it came to that isn't known. Its message, if there is one, finds it
      // parked, and goes.
      if (nextAttemptAt === undefined || dueAt?.getTime() !== netBelow(nextAttemptAt).getTime()) return undefined;
      return { ...entry, dueAt: nextAttemptAt };
    default:
      return undefined;
  }
}

/** Until when what has failed may be due that has only a net below its message. */
export function netsUntil(now: Date): Date {
  return netBelow(new Date(now.getTime() + MAX_MESSAGE_BACKOFF_MS));
}
