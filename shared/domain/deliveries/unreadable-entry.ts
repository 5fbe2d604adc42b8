import { deliveryStatuses, type EventRecord, type LedgerEntry } from "./delivery.ts";
import { eventKeyIn } from "./delivery-key.ts";

/** The error's type of a delivery whose ledger entry can't be read. */
const ENTRY_UNREADABLE = "EntryUnreadable";

const UNKNOWN = new Date(0);

/**
 * Stands in for a ledger entry that can't be read, damaged by hand or by a fault: dead, so that it is seen, and delivered
 * again by whoever replays what is unresolved. What its key doesn't tell is unknown.
 */
export function unreadableEntry(deliveryKey: string, problem: string, expiresAt: Date): LedgerEntry {
  const [component = "", , ...generation] = deliveryKey.split("#");
  return {
    deliveryKey,
    component,
    eventKey: eventKeyIn(deliveryKey),
    generation: generation.join("#"),
    status: "dead",
    attempt: 0,
    failures: 0,
    lapses: 0,
    since: UNKNOWN,
    owner: "",
    leaseUntil: UNKNOWN,
    payloadHash: "",
    t0: UNKNOWN,
    alias: "unknown",
    because: "default alias",
    routingRevision: 0,
    closedAt: UNKNOWN,
    error: { type: ENTRY_UNREADABLE, message: `the ledger's entry can't be read: ${problem}` },
    attempts: [],
    expiresAt,
  };
}

/** Whether what was read of an entry is one: a damaged text may still be JSON. */
export function isWhole({ status, attempt, since, t0, leaseUntil, attempts, alias }: LedgerEntry): boolean {
  const times = [since, t0, leaseUntil, ...attempts.map(({ at }) => at)];
  const isKnown = deliveryStatuses.includes(status) && Number.isInteger(attempt) && typeof alias === "string";
  return isKnown && times.every((at) => !Number.isNaN(at.getTime()));
}

export function isUnreadable({ error }: Pick<LedgerEntry, "error">): boolean {
  return error?.type === ENTRY_UNREADABLE;
}

/** Whether a delivery is of this record and not of another one of its key. Where that can't be told, it is. */
export function isOf(entry: LedgerEntry, { t0, payloadHash }: Pick<EventRecord, "t0" | "payloadHash">): boolean {
  return isUnreadable(entry) || (entry.t0.getTime() === t0.getTime() && entry.payloadHash === payloadHash);
}

/** Stands in for a stored event whose facts can't be read. Its body is what it was, and nobody can say whose it is. */
export function unreadableRecord(
  place: Pick<EventRecord, "t0" | "sequence" | "eventKey" | "payloadHash" | "expiresAt">,
  problem: string,
): Omit<EventRecord, "body"> {
  const unknown = { messageId: "", id: place.eventKey, source: "", detailType: "", time: "", idempotencyKey: "" };
  return { ...unknown, ...place, subject: {}, components: [], rejected: problem };
}
