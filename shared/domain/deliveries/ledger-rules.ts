import {
  type Attempt,
  type Claim,
  type ClaimRequest,
  type Close,
  type DeliveryError,
  HELD,
  type LedgerEntry,
} from "./delivery.ts";
import { LIVE } from "./delivery-key.ts";

/** How many attempts a ledger entry remembers, the first that ran and the last ones, so that it stays within 1 KB. */
export const REMEMBERED_ATTEMPTS = 8;

/** Most characters of an error that the ledger keeps: a component may throw a whole document. */
export const MAX_ERROR_CHARS = 256;

/** Most characters of a stack. Only that of the last error is kept. */
export const MAX_STACK_CHARS = 1_000;

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
  if (request.reopenedBy !== undefined && isReopened(entry, request.reopenedBy))
    return reopen(entry, request, owner, now);
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
      return lost({ won: false, why: isParked(entry, nextAttemptAt) ? "parked" : "not due", retryAt: nextAttemptAt });
  }
}

/** Whether the sweeper has it tried again, and no message. A later `dueAt` is only the net below a message. */
function isParked({ dueAt }: LedgerEntry, nextAttemptAt: Date): boolean {
  return dueAt !== undefined && dueAt <= nextAttemptAt;
}

/** Every field by its name: copied as what is left of the request, each would move all before it. */
function firstClaim(request: ClaimRequest, owner: string, now: Date, attempt: number) {
  const { leaseMs, reopenedBy, unqueued } = request;
  const leaseUntil = new Date(now.getTime() + leaseMs);
  const entry: LedgerEntry = {
    deliveryKey: request.deliveryKey,
    component: request.component,
    eventKey: request.eventKey,
    generation: request.generation,
    status: "claimed",
    attempt,
    failures: 0,
    lapses: 0,
    since: now,
    owner,
    leaseUntil,
    payloadHash: request.payloadHash,
    t0: request.t0,
    alias: request.alias,
    because: request.because,
    routingRevision: request.routingRevision,
    attempts: [],
    expiresAt: request.expiresAt,
  };
  if (unqueued) entry.dueAt = netBelow(leaseUntil);
  if (reopenedBy !== undefined) Object.assign(entry, { replay: reopenedBy, ...netOf(request, leaseUntil) });
  return { claim: wonBy(entry), entry };
}

function wonBy(entry: LedgerEntry): Claim {
  const { attempt, failures, lapses, since, t0, leaseUntil, replay } = entry;
  const won: Claim = { won: true, attempt, failures, lapses, since, t0, leaseUntil };
  if (replay !== undefined) won.replay = replay;
  if (isUntried(entry)) won.untried = true;
  return won;
}

/** Held until a row could be read, or only just begun, and nothing else: it may turn out that nobody ever wanted it. */
function isUntried(entry: LedgerEntry): boolean {
  const { attempts, because } = entry;
  return attempts.length === 0 ? because === "undecided" : attempts.some(isHeld) && wasNeverRun(entry);
}

/** Whether all that was made of a delivery so far is that it was put off. */
export function wasNeverRun({ failures, lapses, attempts }: Pick<LedgerEntry, "failures" | "lapses" | "attempts">) {
  return failures === 0 && lapses === 0 && attempts.every(({ outcome }) => outcome === "postponed");
}

function isHeld({ outcome, error }: Attempt): boolean {
  return outcome === "postponed" && error?.type === HELD;
}

/** A replay reopens a delivery once: what dies again then has died of the attempt that the replay was asked for. */
function isReopened({ status, replay }: LedgerEntry, reopenedBy: string): boolean {
  return (status === "dead" || status === "failed") && replay !== reopenedBy;
}

/** Claims what was given up, or isn't due yet, with all its attempts to be made anew. */
function reopen(entry: LedgerEntry, request: ClaimRequest, owner: string, now: Date) {
  const { replay: _, ...before } = entry;
  const { claim, entry: reclaimed } = reclaim({ ...before, failures: 0, lapses: 0, since: now }, request, owner, now);
  const reopened: LedgerEntry = {
    ...reclaimed,
    ...(request.reopenedBy === undefined ? {} : { replay: request.reopenedBy }),
    ...netOf(entry, reclaimed.leaseUntil),
  };
  return { claim: claim.won ? wonBy(reopened) : claim, entry: reopened };
}

/**
 * No message stands for what a replay finishes in the generation of its arrival. It looks itself after what it delivers in
 * a generation of its own.
 */
function netOf({ generation }: Pick<LedgerEntry, "generation">, leaseUntil: Date): Pick<LedgerEntry, "dueAt"> {
  return generation === LIVE ? { dueAt: netBelow(leaseUntil) } : {};
}

/** How long after a message should have come back the sweeper takes it that there is none. */
const NET_MS = 60_000;

/**
 * A queue may hand a message out twice at once. Whoever claims by the second copy, after the first one was acknowledged,
 * holds a message that is gone: it won't come back, whatever becomes of the claim.
 */
export function netBelow(comesBackAt: Date): Date {
  return new Date(comesBackAt.getTime() + NET_MS);
}

/** What an attempt is called that ended without a close, by the status that it left behind. */
const unanswered = { claimed: "lease lapsed", accepted: "outcome missing" } as const;

/**
 * How the newest attempt ended, if nobody has closed it. Where no rule had been asked nothing was sent, so that it can't
 * have taken its router down: it was put off.
 */
function endWithoutClose({ status, attempt, because }: LedgerEntry, at: Date): Attempt | undefined {
  if (status !== "claimed" && status !== "accepted") return undefined;
  if (because !== "undecided") return { attempt, at, outcome: unanswered[status] };
  return { attempt, at, outcome: "postponed", error: { type: HELD, message: "it wasn't known whether to send it" } };
}

function reclaim(entry: LedgerEntry, request: ClaimRequest, owner: string, now: Date) {
  const { status, attempt, nextAttemptAt: _next, dueAt, closedAt: _closed, ...kept } = entry;
  const leaseUntil = new Date(now.getTime() + request.leaseMs);
  const ended = endWithoutClose(entry, now);
  const reclaimed: LedgerEntry = {
    ...kept,
    status: "claimed",
    attempt: attempt + 1,
    lapses: entry.lapses + (ended === undefined || ended.outcome === "postponed" ? 0 : 1),
    owner,
    leaseUntil,
    // Its age begins anew: how long a person took to repair a row says nothing of it.
    ...(entry.attempts.slice(-1).some(isHeld) ? { since: now } : {}),
    ...(dueAt === undefined ? {} : { dueAt: netBelow(leaseUntil) }),
    alias: request.alias,
    because: request.because,
    routingRevision: request.routingRevision,
    attempts: ended === undefined ? entry.attempts : remember(withoutAccepted(entry), ended),
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
  const { attempt, at, outcome, executedVersion: version, durationMs, requestId } = close;
  const note: Attempt = { attempt, at, outcome };
  if (version !== undefined) note.version = version;
  if (durationMs !== undefined) note.durationMs = durationMs;
  if (requestId !== undefined) note.requestId = requestId;
  const closed = withoutOutcome(entry);
  closed.status = outcome === "postponed" ? "failed" : outcome;
  closed.closedAt = at;
  closed.attempts = withoutAccepted(entry);
  if (outcome === "failed" || outcome === "dead") closed.failures += 1;
  if (version !== undefined) closed.executedVersion = version;
  if ("error" in close) {
    const stack = close.error.stack?.slice(0, MAX_STACK_CHARS).toWellFormed();
    closed.error = shortened(close.error);
    note.error = stack ? { ...closed.error, stack } : closed.error;
    if (stack) closed.attempts = closed.attempts.map(withoutStack);
  }
  closed.attempts = remember(closed.attempts, note);
  if ("nextAttemptAt" in close) closed.nextAttemptAt = close.nextAttemptAt;
  const dueAt = dueAfter(entry, close);
  if (dueAt !== undefined) closed.dueAt = dueAt;
  return closed;
}

/** A copy without what the last close said that the next may not say; by name, as a first claim is made. */
function withoutOutcome(entry: LedgerEntry): LedgerEntry {
  const kept: LedgerEntry = {
    deliveryKey: entry.deliveryKey,
    component: entry.component,
    eventKey: entry.eventKey,
    generation: entry.generation,
    status: entry.status,
    attempt: entry.attempt,
    failures: entry.failures,
    lapses: entry.lapses,
    since: entry.since,
    owner: entry.owner,
    leaseUntil: entry.leaseUntil,
    payloadHash: entry.payloadHash,
    t0: entry.t0,
    alias: entry.alias,
    because: entry.because,
    routingRevision: entry.routingRevision,
    attempts: entry.attempts,
    expiresAt: entry.expiresAt,
  };
  if (entry.replay !== undefined) kept.replay = entry.replay;
  if (entry.executedVersion !== undefined) kept.executedVersion = entry.executedVersion;
  return kept;
}

/** Undefined at rest, and while its message surely stands for it. */
function dueAfter(entry: LedgerEntry, close: Close): Date | undefined {
  if (!("nextAttemptAt" in close)) return undefined;
  if (close.dueAt !== undefined) return close.dueAt;
  return entry.dueAt === undefined ? undefined : netBelow(close.nextAttemptAt);
}

/** True for this owner's claim of a delivery that nothing was ever tried for: it may be as if it had never been. */
export function isFirstClaim(entry: LedgerEntry, owner: string): boolean {
  return entry.status === "claimed" && entry.owner === owner && (entry.attempt === 1 || wasNeverRun(entry));
}

/** True when this very close was made: for a store whose own request was applied and its answer lost. */
export function closedAlready(entry: LedgerEntry | undefined, { attempt, at, outcome }: Close): boolean {
  const notes = entry?.attempts ?? [];
  return notes.some(
    (note) => note.attempt === attempt && note.outcome === outcome && note.at.getTime() === at.getTime(),
  );
}

/** What became of an accepted attempt stands in the place of the note that it was accepted. */
function withoutAccepted({ status, attempts }: LedgerEntry): Attempt[] {
  return status === "accepted" ? attempts.slice(0, -1) : attempts;
}

function withoutStack(attempt: Attempt): Attempt {
  return attempt.error?.stack === undefined ? attempt : { ...attempt, error: shortened(attempt.error) };
}

/** Of several in a row that were put off for one reason the last is remembered: they would push out what really failed. */
function remember(attempts: Attempt[], attempt: Attempt): Attempt[] {
  const last = attempts.at(-1);
  const again =
    attempt.outcome === "postponed" && last?.outcome === "postponed" && last.error?.type === attempt.error?.type;
  const all = [...(again ? attempts.slice(0, -1) : attempts), attempt];
  if (all.length <= REMEMBERED_ATTEMPTS) return all;
  // The first that ran judges the version that made it: it is what counts are counted again from.
  const first = all.findIndex(({ outcome }) => outcome !== "postponed");
  const [pushedOut] = all;
  if (first > 0 || pushedOut === undefined) return all.slice(1);
  return [pushedOut, ...all.slice(2)];
}

function shortened({ type, message }: DeliveryError): DeliveryError {
  return { type: cut(type), message: cut(message) };
}

function cut(text: string): string {
  return text.length <= MAX_ERROR_CHARS ? text : `${text.slice(0, MAX_ERROR_CHARS - 1).toWellFormed()}…`;
}
