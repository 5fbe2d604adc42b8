import type { Alias } from "./alias.ts";
import type { Because } from "./decide-route.ts";
import type { Generation } from "./delivery-key.ts";
import type { Subject } from "./subject.ts";

/**
 * Where a delivery stands. `claimed`: somebody has the right to deliver it until the lease ends. `failed`: it will be
 * tried again. `accepted`: handed over, its outcome comes later. `done`, `dead` and `rejected` are at rest.
 */
export const deliveryStatuses = ["claimed", "done", "failed", "accepted", "dead", "rejected"] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export function isAtRest(status: DeliveryStatus): boolean {
  return status === "done" || status === "dead" || status === "rejected";
}

/** A lease lasts this much longer than the component may take: time for the send, the answer and the close. */
export const LEASE_MARGIN_MS = 5_000;

/** No send begins with less lease left than the component's timeout and this. */
export const SEND_MARGIN_MS = 2_000;

/** What went wrong in an attempt, in the error's own words. */
export type DeliveryError = { type: string; message: string };

/** One attempt as the ledger remembers it. */
export type Attempt = {
  attempt: number;
  at: Date;
  /** `outcome missing`: it was accepted, and its deadline passed without an answer. */
  outcome: "done" | "failed" | "dead" | "postponed" | "accepted" | "lease lapsed" | "outcome missing";
  version?: string;
  durationMs?: number;
  error?: DeliveryError;
};

/**
 * Lapsed leases after which a delivery is given up, if they are spread over this time at least. They aren't failures of
 * the component, as a router may be killed or deployed any number of times, or a store may lose its answers for some
 * minutes; but a version that takes its router down must not be tried for ever.
 */
export const MAX_LAPSES = 20;
export const MIN_LAPSING_MS = 900_000;

/** How many attempts a ledger entry remembers, so that it stays within 1 KB. */
export const REMEMBERED_ATTEMPTS = 8;

/** Most characters of an error that the ledger keeps: a component may throw a whole document. */
export const MAX_ERROR_CHARS = 256;

/** One event going to one component, in one generation. Never holds the event's body. */
export type LedgerEntry = {
  deliveryKey: string;
  component: string;
  eventKey: string;
  generation: Generation;
  status: DeliveryStatus;
  /** Fencing number: rises with every claim, and only the newest may close. */
  attempt: number;
  /** Attempts that count towards `maxAttempts`; one that was postponed doesn't. */
  failures: number;
  /** Leases and deadlines that ended without an answer: the router was gone, or the version took it down. */
  lapses: number;
  /** When it was first claimed: what `maxAgeMs` is counted from. */
  since: Date;
  owner: string;
  leaseUntil: Date;
  payloadHash: string;
  /** Sent time of the message that won the first claim. A record counts for this delivery only if it has the same. */
  t0: Date;
  alias: Alias;
  because: Because;
  routingRevision: number;
  executedVersion?: string;
  /** When it may be claimed again: the end of its backoff, or of the time that an accepted one has to answer. */
  nextAttemptAt?: Date;
  /**
   * Set once its messages may have been acknowledged, until it is at rest: from then on the sweeper puts a message for
   * it into the queue. While it is claimed or waits shortly it is the net below the message that should bring it back.
   */
  dueAt?: Date;
  closedAt?: Date;
  error?: DeliveryError;
  attempts: Attempt[];
  /** From then on it counts as absent, whether or not the store has removed it. */
  expiresAt: Date;
};

/** What a router asks for before it sends. */
export type ClaimRequest = {
  deliveryKey: string;
  component: string;
  eventKey: string;
  generation: Generation;
  payloadHash: string;
  t0: Date;
  alias: Alias;
  because: Because;
  routingRevision: number;
  leaseMs: number;
  expiresAt: Date;
};

export type Claim =
  | { won: true; attempt: number; failures: number; lapses: number; since: Date; t0: Date; leaseUntil: Date }
  | { won: false; why: "done" | "dead" | "rejected" }
  /** The key was used before for another payload, whose hash this is. */
  | { won: false; why: "payload differs"; payloadHash: string }
  | { won: false; why: "claimed by another" | "not due"; retryAt: Date }
  /** Its outcome is still to come, or its backoff is long: the sweeper looks after it from `retryAt` on. */
  | { won: false; why: "accepted" | "parked"; retryAt: Date };

/** How an attempt ended. Takes effect only if `attempt` is still the newest. */
export type Close = {
  deliveryKey: string;
  attempt: number;
  at: Date;
  durationMs?: number;
  executedVersion?: string;
} & (
  | { outcome: "done" }
  | { outcome: "dead"; error: DeliveryError }
  /**
   * Tried again from `nextAttemptAt` on: by its message, or, if it has a `dueAt`, by the sweeper. `postponed`: the
   * target had no room, or the lease ran short before the send; it isn't counted as a failure.
   */
  | { outcome: "failed" | "postponed"; error: DeliveryError; nextAttemptAt: Date; dueAt?: Date }
  /** Handed over; the outcome closes this same attempt, or it is tried again after the deadline. */
  | { outcome: "accepted"; nextAttemptAt: Date; dueAt: Date }
);

/** How a record is found again. */
export type RecordKey = Pick<EventRecord, "t0" | "eventKey" | "payloadHash">;

/** The stored event: what arrived, immutable. */
export type EventRecord = {
  /** The sent time of the message that brought it, in ms precision. */
  t0: Date;
  eventKey: string;
  payloadHash: string;
  messageId: string;
  id: string;
  source: string;
  detailType: string;
  time: string;
  idempotencyKey: string;
  subject: Subject;
  /** Components whose pattern matched when it arrived; empty when nobody listened. */
  components: string[];
  /** The event's own text, byte for byte. */
  body: string;
  /** Why it was never delivered: unreadable, or the same key with another payload. */
  rejected?: string;
  /** The end of its retention: from then on it counts as absent, whether or not the store has removed it. */
  expiresAt: Date;
};

/** What a claim does to the ledger entry that is there. Pure, so that every store can be held to it. */
export function claimAgainst(
  entry: LedgerEntry | undefined,
  request: ClaimRequest,
  owner: string,
  now: Date,
): { claim: Claim; entry: LedgerEntry | undefined } {
  if (entry === undefined) return firstClaim(request, owner, now, 1);
  // The number goes on, so that an attempt of long ago can't close this one.
  if (entry.expiresAt <= now) return firstClaim(request, owner, now, entry.attempt + 1);
  const lost = (claim: Claim) => ({ claim, entry: undefined });
  if (entry.payloadHash !== request.payloadHash)
    return lost({ won: false, why: "payload differs", payloadHash: entry.payloadHash });
  const { status, nextAttemptAt = now } = entry;
  switch (status) {
    case "done":
    case "dead":
    case "rejected":
      return lost({ won: false, why: status });
    case "claimed":
      // The answer to our own claim was lost and the request came again.
      if (entry.owner === owner) return lost(wonBy(entry));
      if (entry.leaseUntil > now) return lost({ won: false, why: "claimed by another", retryAt: entry.leaseUntil });
      return reclaim(entry, request, owner, now);
    case "accepted":
      if (nextAttemptAt > now) return lost({ won: false, why: "accepted", retryAt: nextAttemptAt });
      return reclaim(entry, request, owner, now);
    case "failed":
      if (nextAttemptAt <= now) return reclaim(entry, request, owner, now);
      return lost({ won: false, why: entry.dueAt === undefined ? "not due" : "parked", retryAt: nextAttemptAt });
  }
}

function firstClaim({ leaseMs, ...asked }: ClaimRequest, owner: string, now: Date, attempt: number) {
  const leaseUntil = new Date(now.getTime() + leaseMs);
  const entry: LedgerEntry = {
    ...asked,
    status: "claimed",
    attempt,
    failures: 0,
    lapses: 0,
    since: now,
    owner,
    leaseUntil,
    attempts: [],
  };
  return { claim: wonBy(entry), entry };
}

function wonBy({ attempt, failures, lapses, since, t0, leaseUntil }: LedgerEntry): Claim {
  return { won: true, attempt, failures, lapses, since, t0, leaseUntil };
}

/** How long after a message should have come back the sweeper takes it that there is none. */
const NET_MS = 60_000;

/**
 * A queue may hand a message out twice at once. Whoever claims by the second copy, after the first one was acknowledged,
 * holds a message that is gone: it won't come back, whatever becomes of the claim.
 */
function netBelow(comesBackAt: Date): Date {
  return new Date(comesBackAt.getTime() + NET_MS);
}

/** What an attempt is called that ended without a close, by the status that it left behind. */
const unanswered = { claimed: "lease lapsed", accepted: "outcome missing" } as const;

function reclaim(entry: LedgerEntry, request: ClaimRequest, owner: string, now: Date) {
  const { status, attempt, nextAttemptAt: _next, dueAt, closedAt: _closed, ...kept } = entry;
  const leaseUntil = new Date(now.getTime() + request.leaseMs);
  const missing = status === "claimed" || status === "accepted" ? unanswered[status] : undefined;
  const reclaimed: LedgerEntry = {
    ...kept,
    status: "claimed",
    attempt: attempt + 1,
    lapses: entry.lapses + (missing === undefined ? 0 : 1),
    owner,
    leaseUntil,
    ...(dueAt === undefined ? {} : { dueAt: netBelow(leaseUntil) }),
    alias: request.alias,
    because: request.because,
    routingRevision: request.routingRevision,
    attempts:
      missing === undefined ? entry.attempts : remember(withoutAccepted(entry), { attempt, at: now, outcome: missing }),
    expiresAt: request.expiresAt > entry.expiresAt ? request.expiresAt : entry.expiresAt,
  };
  return { claim: wonBy(reclaimed), entry: reclaimed };
}

/**
 * What a close does to the ledger entry; undefined when the attempt is no longer the newest, or already closed. The
 * outcome of an accepted attempt may come before the router has noted that it was accepted.
 */
export function closeAgainst(entry: LedgerEntry | undefined, close: Close): LedgerEntry | undefined {
  if (entry === undefined || entry.attempt !== close.attempt) return undefined;
  const settles = entry.status === "accepted" && close.outcome !== "accepted";
  if (entry.status !== "claimed" && !settles) return undefined;
  const { deliveryKey: _, attempt, at, outcome, executedVersion: version, durationMs } = close;
  const error = "error" in close ? shortened(close.error) : undefined;
  const note: Attempt = {
    attempt,
    at,
    outcome,
    ...(version === undefined ? {} : { version }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(error === undefined ? {} : { error }),
  };
  const { error: _before, nextAttemptAt: _next, dueAt: _due, ...kept } = entry;
  const dueAt = dueAfter(entry, close);
  return {
    ...kept,
    status: outcome === "postponed" ? "failed" : outcome,
    failures: entry.failures + (outcome === "failed" || outcome === "dead" ? 1 : 0),
    closedAt: at,
    attempts: remember(withoutAccepted(entry), note),
    ...(version === undefined ? {} : { executedVersion: version }),
    ...(error === undefined ? {} : { error }),
    ...("nextAttemptAt" in close ? { nextAttemptAt: close.nextAttemptAt } : {}),
    ...(dueAt === undefined ? {} : { dueAt }),
  };
}

/** Undefined at rest, and while its message surely stands for it. */
function dueAfter(entry: LedgerEntry, close: Close): Date | undefined {
  if (!("nextAttemptAt" in close)) return undefined;
  if (close.dueAt !== undefined) return close.dueAt;
  return entry.dueAt === undefined ? undefined : netBelow(close.nextAttemptAt);
}

/** True for an entry that nothing is known of but that this owner has just claimed it for the first time. */
export function isFirstClaim({ status, attempt, owner: holder }: LedgerEntry, owner: string): boolean {
  return status === "claimed" && attempt === 1 && holder === owner;
}

/** True when the entry is as this very close left it: for a store whose own request was applied and its answer lost. */
export function closedAlready(entry: LedgerEntry | undefined, { attempt, at, outcome }: Close): boolean {
  const last = entry?.attempts.at(-1);
  return (
    last !== undefined &&
    entry?.attempt === attempt &&
    last.attempt === attempt &&
    last.outcome === outcome &&
    last.at.getTime() === at.getTime()
  );
}

/** What became of an accepted attempt stands in the place of the note that it was accepted. */
function withoutAccepted({ status, attempts }: LedgerEntry): Attempt[] {
  return status === "accepted" ? attempts.slice(0, -1) : attempts;
}

function remember(attempts: Attempt[], attempt: Attempt): Attempt[] {
  return [...attempts, attempt].slice(-REMEMBERED_ATTEMPTS);
}

function shortened({ type, message }: DeliveryError): DeliveryError {
  return { type: cut(type), message: cut(message) };
}

function cut(text: string): string {
  return text.length <= MAX_ERROR_CHARS ? text : `${text.slice(0, MAX_ERROR_CHARS - 1).toWellFormed()}…`;
}
