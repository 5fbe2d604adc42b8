import type { EventBridgeClient, PutEventsCommandOutput, PutEventsResultEntry } from "@aws-sdk/client-eventbridge";
import { type RetryPolicy, retryDelayMs } from "../domain/retry.ts";
import type { PreparedEvent } from "./outgoing-event.ts";

/**
 * What became of one entry of a request. `again`: the same entry may be taken next time. `apart`: the request was
 * refused for what stands in it, which may be in another entry.
 */
export type EntryAnswer = { eventId: string } | (Failure & { again: boolean; apart?: boolean });
type Failure = { code: string; message: string };

/** Why an event isn't known to be published. `retryable`: it may be taken later; nobody said no to it. */
export type Unpublished = Failure & { attempts: number; retryable: boolean };

/** What became of an event in the end. */
export type EntryOutcome = { eventId: string } | Unpublished;

export type Sending = {
  client: Pick<EventBridgeClient, "send">;
  retry: Pick<RetryPolicy, "maxAttempts" | "baseDelayMs" | "maxDelayMs">;
  requestTimeoutMs: number;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  /** Resolves after that many milliseconds. */
  delay: (ms: number) => Promise<unknown>;
  /** Whether so much time has gone by without an event settled that no further request should be made. */
  isStalled: () => boolean;
};

/**
 * Sends one batch and calls `settle` for each of its events exactly once. What failed in a way that may pass is sent
 * again without the events that are settled, at most `maxAttempts` times in all and not when it is stalled (`GaveUp`).
 * A request that was refused for what stands in it is sent again in two halves, so that one event can't take down its
 * neighbours.
 */
export async function sendBatch<Event extends PreparedEvent>(
  batch: readonly Event[],
  sending: Sending,
  settle: (event: Event, settled: EntryOutcome) => void,
): Promise<void> {
  let left = batch;
  for (let attempts = 1; left.length > 0; attempts++) {
    if (sending.isStalled()) {
      for (const event of left) settle(event, givenUp(STALLED, attempts - 1));
      return;
    }
    const answers = await putEvents(left, sending);
    if (left.length > 1 && answers.some((answer) => "apart" in answer && answer.apart)) {
      const middle = Math.ceil(left.length / 2);
      await sendBatch(left.slice(0, middle), sending, settle);
      return sendBatch(left.slice(middle), sending, settle);
    }
    const isLast = attempts >= sending.retry.maxAttempts;
    const failed: Event[] = [];
    for (const [index, event] of left.entries()) {
      const answer = answers[index] ?? UNANSWERED;
      if ("eventId" in answer) settle(event, answer);
      else if (isLast || !answer.again) settle(event, givenUp(answer, attempts));
      else failed.push(event);
    }
    if (failed.length > 0) await sending.delay(retryDelayMs(sending.retry, attempts, sending.random()));
    left = failed;
  }
}

async function putEvents(events: readonly PreparedEvent[], sending: Sending): Promise<EntryAnswer[]> {
  const { PutEventsCommand } = await import("@aws-sdk/client-eventbridge");
  const command = new PutEventsCommand({ Entries: events.map(({ entry }) => entry) });
  const abortSignal = AbortSignal.timeout(sending.requestTimeoutMs);
  try {
    return answersOf(events.length, await sending.client.send(command, { abortSignal }));
  } catch (error) {
    const answer = abortSignal.aborted ? timedOut(sending.requestTimeoutMs) : answerOfError(error);
    return events.map(() => answer);
  }
}

function timedOut(ms: number): EntryAnswer {
  return { code: "TimeoutError", message: `no answer within ${ms} ms`, again: true };
}

/** Error codes of an entry or a whole request that was turned away for now. */
const PASSING = new Set([
  "InternalException",
  "InternalFailure",
  "RequestLimitExceeded",
  "ServiceUnavailable",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
]);

/** A wrong clock: the SDK has put its own right by the answer, so that the next signature holds. */
const CLOCK_SKEW = new Set([
  "InvalidSignatureException",
  "RequestExpired",
  "RequestInTheFuture",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
]);

/** Refusals of a whole request for what stands in it. */
const APART = new Set(["RequestEntityTooLargeException", "SerializationException", "ValidationException"]);

const UNANSWERED = { code: "Unanswered", message: "the answer says nothing about the event", again: true };
const STALLED = { code: "GaveUp", message: "no event was answered for too long", again: true };

/** One answer per entry, in order. An answer of another length is no answer: who could say which one is missing? */
function answersOf(count: number, { Entries = [] }: Pick<PutEventsCommandOutput, "Entries">): EntryAnswer[] {
  if (Entries.length !== count) return Array.from({ length: count }, () => UNANSWERED);
  return Entries.map(answerOf);
}

function answerOf(result: PutEventsResultEntry | null): EntryAnswer {
  const { EventId, ErrorCode, ErrorMessage } = result ?? {};
  if (ErrorCode) return { code: ErrorCode, message: ErrorMessage ?? "no reason given", again: PASSING.has(ErrorCode) };
  return EventId ? { eventId: EventId } : UNANSWERED;
}

/**
 * The answer to every entry of a request that failed as a whole. Only a refusal is final: without an answer, or with
 * one that can't be read, the events may even have been published, which their idempotency keys make harmless.
 */
function answerOfError(error: unknown): EntryAnswer {
  const { name, message, code, $metadata } = error as Partial<Error> & {
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode ?? 0;
  const isRefusal = status >= 400 && status < 500 && status !== 408 && status !== 429;
  const called = typeof code === "string" ? code : (name ?? "Error");
  return {
    code: called,
    message: message || called,
    again: !isRefusal || PASSING.has(called) || CLOCK_SKEW.has(called),
    ...(isRefusal && (APART.has(called) || status === 413) ? { apart: true } : {}),
  };
}

function givenUp({ code, message, again }: Failure & { again: boolean }, attempts: number): Unpublished {
  return { code, message, attempts, retryable: again };
}
