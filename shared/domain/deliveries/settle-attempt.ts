import { retryDelayMs } from "../retry.ts";
import type { Component } from "../routing/component.ts";
import { type Close, type DeliveryError, LEASE_MARGIN_MS } from "./delivery.ts";
import { type Generation, LIVE } from "./delivery-key.ts";

/** What became of one attempt. */
export type AttemptResult =
  | { outcome: "done"; executedVersion: string; durationMs?: number; requestId?: string }
  /** The target has it, and says later what became of it: within `answerMs`, where that isn't the component's own. */
  | { outcome: "accepted"; durationMs?: number; requestId?: string; answerMs?: number }
  | {
      outcome: "failed";
      error: DeliveryError;
      executedVersion?: string;
      durationMs?: number;
      requestId?: string;
      /** No other attempt would do better. */
      isFinal?: true;
    }
  /**
   * Nothing was run, and it isn't counted as a failure: there was no room, or, with `retryAt`, the version is known to
   * be down until then.
   */
  | { outcome: "throttled"; error: DeliveryError; retryAt?: Date }
  /** Nothing was run, and nothing will be: it makes no sense to try again. */
  | { outcome: "exhausted"; error: DeliveryError };

/** The attempt that is over, and what its delivery went through before. */
export type SettledAttempt = {
  deliveryKey: string;
  component: Pick<Component, "retry" | "invocation" | "timeoutMs">;
  attempt: number;
  failures: number;
  lapses: number;
  since: Date;
  broughtBackBy: BroughtBackBy;
};

/**
 * Who has a delivery tried again that isn't at rest. `message`: the one it was made for, until its backoff is too long.
 * `sweeper`: no message stands for it. `replay`: the replay whose generation it belongs to, in its next pass.
 */
export type BroughtBackBy = "message" | "sweeper" | "replay";

/** Who brings back a delivery that no message stands for. */
export function lookedAfterBy(generation: Generation): BroughtBackBy {
  return generation === LIVE ? "sweeper" : "replay";
}

/**
 * Longest backoff for which a message is kept invisible in its queue. After a longer one the sweeper sends a new message:
 * invisible ones count towards the 120,000 that SQS has in flight at most.
 */
export const MAX_MESSAGE_BACKOFF_MS = 30_000;

/**
 * Upper bound of the delay of a delivery that is postponed again and again, where the component's own is shorter: what
 * doesn't count as a failure must not keep the router busy either.
 */
const MAX_POSTPONED_MS = 300_000;

/**
 * How an attempt is closed: done, dead, accepted until its deadline, or to be tried again.
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function closeOf(settled: SettledAttempt, result: AttemptResult, at: Date, random: number): Close {
  const { deliveryKey, attempt, component } = settled;
  const base: Omit<Close, "outcome"> = { deliveryKey, attempt, at };
  if ("executedVersion" in result) base.executedVersion = result.executedVersion;
  if ("durationMs" in result) base.durationMs = result.durationMs;
  if ("requestId" in result) base.requestId = result.requestId;
  switch (result.outcome) {
    case "done":
      return { ...base, outcome: "done" };
    case "accepted": {
      const deadline = new Date(at.getTime() + (result.answerMs ?? answerMs(component)));
      const due = settled.broughtBackBy === "replay" ? {} : { dueAt: deadline };
      return { ...base, outcome: "accepted", nextAttemptAt: deadline, ...due };
    }
    case "exhausted":
      return { ...base, error: result.error, outcome: "dead" };
    case "failed":
      if (result.isFinal) return { ...base, error: result.error, outcome: "dead" };
      return afterFailure(settled, { ...base, error: result.error }, random);
    case "throttled":
      return afterPostponing(settled, { ...base, error: result.error }, random, result.retryAt);
  }
}

/** How long the outcome of an accepted attempt may take: its time in the target's own queue, then the run. */
function answerMs({ invocation, timeoutMs }: SettledAttempt["component"]): number {
  return (invocation.kind === "async" ? invocation.maxEventAgeMs : 0) + timeoutMs + LEASE_MARGIN_MS;
}

type Base = { deliveryKey: string; attempt: number; at: Date; error: DeliveryError };

/** Errors of the router's own that no retry heals. */
const NEVER_RETRIED = new Set(["Turnout.PayloadTooLarge", "Turnout.NoTenant"]);

function afterFailure(settled: SettledAttempt, base: Base, random: number): Close {
  const { retry } = settled.component;
  const { type } = base.error;
  const failures = settled.failures + 1;
  if (failures >= retry.maxAttempts || NEVER_RETRIED.has(type) || retry.nonRetryableErrors.includes(type)) {
    return { ...base, outcome: "dead" };
  }
  return again(settled, base, "failed", retryDelayMs(retry, failures, random));
}

function afterPostponing(settled: SettledAttempt, base: Base, random: number, retryAt: Date | undefined): Close {
  const { retry } = settled.component;
  if (retryAt !== undefined) {
    const broughtBackBy = settled.broughtBackBy === "message" ? "sweeper" : settled.broughtBackBy;
    return again({ ...settled, broughtBackBy }, base, "postponed", Math.max(0, +retryAt - +base.at));
  }
  const postponements = Math.max(1, settled.attempt - settled.failures - settled.lapses);
  const patient = { ...retry, maxDelayMs: Math.max(retry.maxDelayMs, MAX_POSTPONED_MS) };
  return again(settled, base, "postponed", retryDelayMs(patient, postponements, random));
}

function again(settled: SettledAttempt, base: Base, outcome: "failed" | "postponed", delayMs: number): Close {
  const { since, broughtBackBy, component } = settled;
  const { maxAgeMs } = component.retry;
  const nextAttemptAt = new Date(base.at.getTime() + delayMs);
  if (nextAttemptAt.getTime() - since.getTime() > maxAgeMs) {
    const { type, message } = base.error;
    const told = `not done within the ${maxAgeMs} ms of maxAgeMs; the last attempt: ${type}: ${message}`;
    return { ...base, error: { type: "TooOld", message: told }, outcome: "dead" };
  }
  const parked = broughtBackBy === "sweeper" || (broughtBackBy === "message" && delayMs > MAX_MESSAGE_BACKOFF_MS);
  return { ...base, outcome, nextAttemptAt, ...(parked ? { dueAt: nextAttemptAt } : {}) };
}
