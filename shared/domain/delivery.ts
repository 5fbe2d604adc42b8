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
  outcome: "done" | "failed" | "dead" | "postponed" | "lease lapsed";
  version?: string;
  durationMs?: number;
  error?: DeliveryError;
};

/**
 * Lapsed leases after which a delivery is given up. They aren't failures of the component, as a router may be killed
 * or deployed any number of times, but a version that takes its router down must not be tried for ever.
 */
export const MAX_LAPSES = 20;

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
  /** Leases that ended without a close: the router was gone, or the version took it down. */
  lapses: number;
  owner: string;
  leaseUntil: Date;
  payloadHash: string;
  /** Sent time of the message that won the first claim. A record counts for this delivery only if it has the same. */
  t0: Date;
  alias: Alias;
  because: Because;
  routingRevision: number;
  executedVersion?: string;
  nextAttemptAt?: Date;
  closedAt?: Date;
  error?: DeliveryError;
  attempts: Attempt[];
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
};

export type Claim =
  | { won: true; attempt: number; failures: number; lapses: number; t0: Date; leaseUntil: Date }
  | { won: false; why: "done" | "dead" | "rejected" | "accepted" }
  /** The key was used before for another payload, whose hash this is. */
  | { won: false; why: "payload differs"; payloadHash: string }
  | { won: false; why: "claimed by another" | "not due"; retryAt: Date };

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
  | { outcome: "failed"; error: DeliveryError; nextAttemptAt: Date }
  /** The target had no room, or the lease ran short before the send: tried again, not counted as a failure. */
  | { outcome: "postponed"; error: DeliveryError; nextAttemptAt: Date }
);

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
};

/** What a claim does to the ledger entry that is there. Pure, so that every store can be held to it. */
export function claimAgainst(
  entry: LedgerEntry | undefined,
  request: ClaimRequest,
  owner: string,
  now: Date,
): { claim: Claim; entry: LedgerEntry | undefined } {
  const leaseUntil = new Date(now.getTime() + request.leaseMs);
  if (entry === undefined) {
    const { leaseMs: _, ...asked } = request;
    const fresh: LedgerEntry = {
      ...asked,
      status: "claimed",
      attempt: 1,
      failures: 0,
      lapses: 0,
      owner,
      leaseUntil,
      attempts: [],
    };
    return { claim: { won: true, attempt: 1, failures: 0, lapses: 0, t0: request.t0, leaseUntil }, entry: fresh };
  }
  const lost = (claim: Claim) => ({ claim, entry: undefined });
  if (entry.payloadHash !== request.payloadHash)
    return lost({ won: false, why: "payload differs", payloadHash: entry.payloadHash });
  if (
    entry.status === "done" ||
    entry.status === "dead" ||
    entry.status === "rejected" ||
    entry.status === "accepted"
  ) {
    return lost({ won: false, why: entry.status });
  }
  if (entry.status === "claimed" && entry.owner === owner) {
    // The answer to our own claim was lost and the request came again.
    return lost({
      won: true,
      attempt: entry.attempt,
      failures: entry.failures,
      lapses: entry.lapses,
      t0: entry.t0,
      leaseUntil: entry.leaseUntil,
    });
  }
  if (entry.status === "claimed" && entry.leaseUntil > now) {
    return lost({ won: false, why: "claimed by another", retryAt: entry.leaseUntil });
  }
  if (entry.status === "failed" && entry.nextAttemptAt !== undefined && entry.nextAttemptAt > now) {
    return lost({ won: false, why: "not due", retryAt: entry.nextAttemptAt });
  }
  return reclaim(entry, request, owner, now, leaseUntil);
}

function reclaim(entry: LedgerEntry, request: ClaimRequest, owner: string, now: Date, leaseUntil: Date) {
  const attempt = entry.attempt + 1;
  const lapsed = entry.status === "claimed";
  const { failures } = entry;
  const lapses = entry.lapses + (lapsed ? 1 : 0);
  const { nextAttemptAt: _due, closedAt: _closed, ...kept } = entry;
  const reclaimed: LedgerEntry = {
    ...kept,
    status: "claimed",
    attempt,
    lapses,
    owner,
    leaseUntil,
    alias: request.alias,
    because: request.because,
    routingRevision: request.routingRevision,
    attempts: lapsed
      ? remember(entry.attempts, { attempt: entry.attempt, at: now, outcome: "lease lapsed" })
      : entry.attempts,
  };
  const claim: Claim = { won: true, attempt, failures, lapses, t0: entry.t0, leaseUntil };
  return { claim, entry: reclaimed };
}

/** What a close does to the ledger entry; undefined when the attempt is no longer the newest, or already closed. */
export function closeAgainst(entry: LedgerEntry | undefined, close: Close): LedgerEntry | undefined {
  if (entry === undefined || entry.status !== "claimed" || entry.attempt !== close.attempt) return undefined;
  const { deliveryKey: _, attempt, at, outcome, executedVersion: version, durationMs } = close;
  const error = close.outcome === "done" ? undefined : shortened(close.error);
  const note: Attempt = {
    attempt,
    at,
    outcome,
    ...(version === undefined ? {} : { version }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(error === undefined ? {} : { error }),
  };
  const { error: _before, ...kept } = entry;
  return {
    ...kept,
    status: outcome === "postponed" ? "failed" : outcome,
    failures: entry.failures + (outcome === "failed" || outcome === "dead" ? 1 : 0),
    closedAt: at,
    attempts: remember(entry.attempts, note),
    ...(version === undefined ? {} : { executedVersion: version }),
    ...(error === undefined ? {} : { error }),
    ...("nextAttemptAt" in close ? { nextAttemptAt: close.nextAttemptAt } : {}),
  };
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
