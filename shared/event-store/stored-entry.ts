import type { Attempt, DeliveryError, DeliveryStatus, LedgerEntry } from "../domain/deliveries/delivery.ts";
import { componentIn, eventKeyIn } from "../domain/deliveries/delivery-key.ts";
import { isWhole, unreadableEntry } from "../domain/deliveries/unreadable-entry.ts";
import { becauseOf } from "../domain/routing/stored-because.ts";

/**
 * What the state file's column `entry` says of a delivery, beside its key, status, `dueAt` and `expiresAt`, which have
 * columns of their own: a JSON array, with instants in ms since the epoch. Written twice for every event, it is a third as
 * long as an object with names, and takes a fifth of the time.
 */
type StoredEntry = [
  generation: string,
  payloadHash: string,
  attempt: number,
  failures: number,
  lapses: number,
  since: number,
  owner: string,
  leaseUntil: number,
  t0: number,
  alias: string,
  because: string,
  routingRevision: number,
  replay: string | null,
  executedVersion: string | null,
  nextAttemptAt: number | null,
  closedAt: number | null,
  error: [type: string, message: string] | null,
  ...attempts: StoredAttempt[],
];

type StoredAttempt = [
  attempt: number,
  at: number,
  outcome: string,
  version?: string | null,
  durationMs?: number | null,
  type?: string | null,
  message?: string | null,
  requestId?: string | null,
  stack?: string,
];

/** A row of the ledger, as it is selected. */
export type EntryRow = Record<string, unknown>;

/** The columns that `entryIn` reads. */
export const ENTRY_COLUMNS = "id, delivery_key, status, entry, due_at, expires_at";

export function entryText(entry: LedgerEntry): string {
  const { executedVersion = null, nextAttemptAt, closedAt, error, attempts } = entry;
  const stored: StoredEntry = [
    entry.generation,
    entry.payloadHash,
    entry.attempt,
    entry.failures,
    entry.lapses,
    entry.since.getTime(),
    entry.owner,
    entry.leaseUntil.getTime(),
    entry.t0.getTime(),
    entry.alias,
    entry.because,
    entry.routingRevision,
    entry.replay ?? null,
    executedVersion,
    nextAttemptAt?.getTime() ?? null,
    closedAt?.getTime() ?? null,
    error === undefined ? null : [error.type, error.message],
    ...attempts.map(storedAttempt),
  ];
  return JSON.stringify(stored);
}

function storedAttempt({ attempt, at, outcome, version, durationMs, error, requestId }: Attempt): StoredAttempt {
  const base = [attempt, at.getTime(), outcome] as const;
  if (requestId !== undefined || error?.stack !== undefined) {
    const { type = null, message = null, stack } = error ?? {};
    const whole = [...base, version ?? null, durationMs ?? null, type, message, requestId ?? null] as const;
    return stack === undefined ? [...whole] : [...whole, stack];
  }
  if (error !== undefined) return [...base, version ?? null, durationMs ?? null, error.type, error.message];
  if (durationMs !== undefined) return [...base, version ?? null, durationMs];
  return version === undefined ? [...base] : [...base, version];
}

/** The entry of a row; where it can't be read, what stands in for it. */
export function entryIn(row: EntryRow): LedgerEntry {
  const deliveryKey = String(row.delivery_key);
  const expiresAt = new Date(Number(row.expires_at));
  try {
    const stored: unknown = JSON.parse(String(row.entry));
    const entry = Array.isArray(stored)
      ? decoded(stored as StoredEntry, row)
      : decodedNamed(stored as StoredText<LedgerEntry>);
    if (isWhole(entry) && entry.deliveryKey === deliveryKey) return entry;
    return unreadableEntry(deliveryKey, "it is another delivery's, or not whole", expiresAt);
  } catch (error) {
    return unreadableEntry(deliveryKey, error instanceof Error ? error.message : String(error), expiresAt);
  }
}

function decoded(stored: StoredEntry, { delivery_key, status, due_at, expires_at }: EntryRow): LedgerEntry {
  const deliveryKey = String(delivery_key);
  const [generation, payloadHash, attempt, failures, lapses, since, owner, leaseUntil, t0, ...routed] = stored;
  const [alias, because, routingRevision, replay, executedVersion, nextAttemptAt, closedAt, error, ...attempts] =
    routed;
  return {
    deliveryKey,
    component: componentIn(deliveryKey),
    eventKey: eventKeyIn(deliveryKey),
    generation,
    status: status as DeliveryStatus,
    attempt,
    failures,
    lapses,
    since: instant(since),
    owner,
    leaseUntil: instant(leaseUntil),
    payloadHash,
    t0: instant(t0),
    alias,
    because: becauseOf(because),
    routingRevision,
    ...(replay === null ? {} : { replay }),
    ...(executedVersion === null ? {} : { executedVersion }),
    ...(nextAttemptAt === null ? {} : { nextAttemptAt: instant(nextAttemptAt) }),
    ...(due_at === null ? {} : { dueAt: instant(due_at) }),
    ...(closedAt === null ? {} : { closedAt: instant(closedAt) }),
    ...(error === null ? {} : { error: errorOf(...error) }),
    attempts: attempts.map(decodedAttempt),
    expiresAt: instant(expires_at),
  };
}

/** Nothing but a number is one: `new Date(null)` would be the year 1970. */
function instant(ms: unknown): Date {
  return new Date(typeof ms === "number" ? ms : Number.NaN);
}

function decodedAttempt([attempt, at, outcome, version = null, durationMs = null, ...said]: StoredAttempt): Attempt {
  const [type = null, message = null, requestId = null, stack] = said;
  return {
    attempt,
    at: instant(at),
    outcome: outcome as Attempt["outcome"],
    ...(version === null ? {} : { version }),
    ...(durationMs === null ? {} : { durationMs }),
    ...(requestId === null ? {} : { requestId }),
    ...(type === null || message === null ? {} : { error: errorOf(type, message, stack) }),
  };
}

function errorOf(type: string, message: string, stack?: string): DeliveryError {
  return { type, message, ...(stack !== undefined && { stack }) };
}

/** As JSON has it: instants are texts. */
type StoredText<T> = T extends Date ? string : T extends object ? { [K in keyof T]: StoredText<T[K]> } : T;

/** The entry's own JSON, as it was written at first. */
function decodedNamed(stored: StoredText<LedgerEntry>): LedgerEntry {
  const { leaseUntil, t0, since, nextAttemptAt, dueAt, closedAt, attempts, expiresAt, ...entry } = stored;
  return {
    ...entry,
    because: becauseOf(entry.because),
    leaseUntil: new Date(leaseUntil),
    t0: new Date(t0),
    since: new Date(since),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt: new Date(nextAttemptAt) }),
    ...(dueAt === undefined ? {} : { dueAt: new Date(dueAt) }),
    ...(closedAt === undefined ? {} : { closedAt: new Date(closedAt) }),
    attempts: attempts.map(({ at, ...attempt }) => ({ ...attempt, at: new Date(at) })),
    expiresAt: new Date(expiresAt),
  };
}
