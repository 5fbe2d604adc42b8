import type { Claim, ClaimRequest, Close, DeliveryError } from "../../domain/deliveries/delivery.ts";
import type { CountedOutcome } from "../../domain/deliveries/outcome-count.ts";
import { requestIdOf } from "../../domain/deliveries/request-id.ts";
import type { CountedDelivery } from "../../domain/health/delivery-tally.ts";
import { type Failure, MAX_FAILURE_TEXT_CHARS } from "../../domain/health/failure.ts";
import { attemptKind } from "../../domain/health/first-attempt.ts";
import type { Subject } from "../../domain/subject.ts";

/** What is known of an event and its delivery when it is counted. */
export type Counting = Pick<ClaimRequest, "deliveryKey" | "component" | "generation" | "alias" | "because"> & {
  eventId: string;
  type: string;
  subject: Subject;
  fallback?: boolean;
};

/** What counts of an attempt that was closed. */
export function countedAttempt(
  about: Counting,
  claimed: Pick<Claim & { won: true }, "failures" | "lapses" | "replay">,
  closing: Close,
): CountedDelivery {
  const { component, alias, type, generation } = about;
  const { outcome, executedVersion: version = "", durationMs } = closing;
  const counted: CountedDelivery = { component, version, alias, type, outcome };
  if (about.fallback) counted.fallback = true;
  const kind = attemptKind(generation, claimed, closing);
  if (kind === undefined) return counted;
  counted.attempt = { kind };
  if (durationMs !== undefined) counted.attempt.durationMs = durationMs;
  if (!("error" in closing)) return counted;
  counted.attempt.error = closing.error;
  if (kind === "first") counted.failure = failureOf(about, closing, version, closing.error);
  return counted;
}

function failureOf(
  { deliveryKey, eventId, component, alias, because, type, subject }: Counting,
  { attempt, at, requestId = requestIdOf(deliveryKey, attempt) }: Close,
  version: string,
  error: DeliveryError,
): Failure {
  const said = {
    errorType: cut(error.type),
    message: cut(error.message),
    requestId,
  };
  return { at, deliveryKey, eventId, component, version, alias, because, type, subject, ...said };
}

function cut(text: string): string {
  return text.slice(0, MAX_FAILURE_TEXT_CHARS).toWellFormed();
}

/** What counts of a delivery that was somebody else's, or refused. */
export function countedOutcome({ component, alias, type }: Counting, outcome: CountedOutcome): CountedDelivery {
  return { component, version: "", alias, type, outcome };
}
