import { type EventSource, retentionDaysOf } from "../events/event.ts";
import type { EventRecord } from "./delivery.ts";

const DAY_MS = 86_400_000;

/**
 * How much longer than its record a ledger entry is kept. A message may lie in the queue and then in the dead-letter
 * queue for 14 days each, the most that SQS keeps it; what it asks for must not be forgotten before.
 */
const LEDGER_OUTLIVES_DAYS = 28;

/** The end of an event's retention, counted from when it arrived. */
export function recordExpiry(source: EventSource | undefined, detailType: string, t0: Date): Date {
  return new Date(t0.getTime() + retentionDaysOf(source, detailType) * DAY_MS);
}

/** When the ledger may forget a delivery of the record. */
export function entryExpiry({ expiresAt }: Pick<EventRecord, "expiresAt">): Date {
  return new Date(expiresAt.getTime() + LEDGER_OUTLIVES_DAYS * DAY_MS);
}
