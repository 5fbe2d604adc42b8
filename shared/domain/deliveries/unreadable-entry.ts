import { type Attempt, type DeliveryError, deliveryStatuses, type EventRecord, type LedgerEntry } from "./delivery.ts";
import { componentIn, eventKeyIn } from "./delivery-key.ts";

/** The error's type of a delivery whose ledger entry can't be read. */
const ENTRY_UNREADABLE = "EntryUnreadable";

const UNKNOWN = new Date(0);

/**
 * Stands in for a ledger entry that can't be read, damaged by hand or by a fault: dead, so that it is seen, and delivered
 * again by whoever replays what is unresolved. What its key doesn't tell is unknown.
 */
export function unreadableEntry(deliveryKey: string, problem: string, expiresAt: Date): LedgerEntry {
  const [, , ...generation] = deliveryKey.split("#");
  return {
    deliveryKey,
    component: componentIn(deliveryKey),
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
export function isWhole(entry: LedgerEntry): boolean {
  const { since, t0, leaseUntil, expiresAt, nextAttemptAt, dueAt, closedAt, attempts, error } = entry;
  const { component, eventKey, generation, owner, payloadHash, alias, because, replay, executedVersion } = entry;
  const { attempt, failures, lapses, routingRevision } = entry;
  return (
    deliveryStatuses.includes(entry.status) &&
    [attempt, failures, lapses, routingRevision].every(Number.isInteger) &&
    [component, eventKey, generation, owner, payloadHash, alias, because].every(isText) &&
    [replay, executedVersion].every(isTextOrNone) &&
    [since, t0, leaseUntil, expiresAt].every(isTime) &&
    [nextAttemptAt, dueAt, closedAt].every((at) => at === undefined || isTime(at)) &&
    isError(error) &&
    attempts.every(isWholeAttempt)
  );
}

function isWholeAttempt({ attempt, at, outcome, version, durationMs, error }: Attempt): boolean {
  const ran = isTextOrNone(version) && (durationMs === undefined || typeof durationMs === "number");
  return Number.isInteger(attempt) && isTime(at) && isText(outcome) && ran && isError(error);
}

function isError(error: DeliveryError | undefined): boolean {
  return error === undefined || (isText(error.type) && isText(error.message));
}

function isTime(at: Date): boolean {
  return !Number.isNaN(at.getTime());
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

export function isUnreadable({ error }: Pick<LedgerEntry, "error">): boolean {
  return error?.type === ENTRY_UNREADABLE;
}

/** Whether a delivery is of this record and not of another one of its key. Where that can't be told, it is. */
export function isOf(entry: LedgerEntry, { t0, payloadHash }: Pick<EventRecord, "t0" | "payloadHash">): boolean {
  return isUnreadable(entry) || (entry.t0.getTime() === t0.getTime() && entry.payloadHash === payloadHash);
}

/**
 * Stands in for a stored event whose facts can't be read: rejected, so that it is seen. Its body is what it was, and nobody
 * can say whose it is, or which components had it.
 */
export function unreadableRecord(
  place: Pick<EventRecord, "t0" | "sequence" | "eventKey" | "payloadHash" | "expiresAt">,
  problem: string,
): Omit<EventRecord, "body"> {
  const unknown = { messageId: "", id: place.eventKey, source: "", detailType: "", time: "", idempotencyKey: "" };
  return { ...unknown, ...place, subject: {}, components: [], rejected: problem };
}

/** Whether nothing is known of a record but its place: any component may have had it. */
export function isUnreadableRecord({ messageId }: Pick<EventRecord, "messageId">): boolean {
  return messageId === "";
}
