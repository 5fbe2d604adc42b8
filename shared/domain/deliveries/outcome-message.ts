import * as z from "zod/mini";
import { Subject } from "../subject.ts";
import { type Read, read, readJson } from "../text/schema.ts";
import { deliveredKey, eventKeyOfDelivered } from "./delivered-event.ts";
import { deliveryKeyOf } from "./delivery-key.ts";
import { stackOf } from "./error-stack.ts";
import type { AttemptResult } from "./settle-attempt.ts";

/** The attempt that a message tells of, and what became of it. */
export type AttemptOutcome = {
  component: string;
  eventKey: string;
  deliveryKey: string;
  attempt: number;
  /** What the function's own log calls the attempt. */
  requestId: string;
  /** What shows that the outcome is told by whom the attempt was handed to: the function, and what it was given. */
  functionArn: string;
  token: string;
  /** What the event said of itself when it was delivered; empty where it doesn't. */
  eventId: string;
  source: string;
  type: string;
  subject: Subject;
  traceparent?: string;
  result: Extract<AttemptResult, { outcome: "done" | "failed" | "throttled" }>;
};

/** What the version received: the fields that name the attempt. */
const RequestPayload = z.looseObject({
  id: z.catch(z.string(), ""),
  source: z.catch(z.string(), ""),
  "detail-type": z.catch(z.string(), ""),
  turnout: z.looseObject({
    component: z.string(),
    idempotencyKey: z.string(),
    generation: z.string(),
    attempt: z.int(),
    outcomeToken: z.string(),
    traceparent: z.optional(z.catch(z.string(), "")),
    subject: z.catch(Subject, {}),
  }),
});

/** The record that Lambda sends to a destination (Lambda developer guide, "Capturing records of asynchronous invocations"). */
const DestinationRecord = z.looseObject({
  requestContext: z.looseObject({
    condition: z.string(),
    functionArn: z.string(),
    requestId: z.catch(z.string().check(z.maxLength(64)), ""),
  }),
  requestPayload: RequestPayload,
  responseContext: z.optional(
    z.nullable(z.looseObject({ executedVersion: z.optional(z.string()), functionError: z.optional(z.string()) })),
  ),
  responsePayload: z.optional(z.unknown()),
});

/** A version's name is counted by, beside others': one that no store takes would cost them their counts. */
const MAX_VERSION_CHARS = 128;

/** Reads a message of the outcomes queue: the record that Lambda, or the embedded runtime, sends for an `async` attempt. */
export function readOutcome(body: string): Read<AttemptOutcome> {
  const json = readJson(body);
  const record = json.ok ? read(DestinationRecord, json.value) : json;
  if (!record.ok) return record;
  const { requestPayload, requestContext, responseContext, responsePayload } = record.value;
  const {
    component,
    idempotencyKey,
    generation,
    attempt,
    outcomeToken: token,
    subject,
    traceparent,
  } = requestPayload.turnout;
  const eventKey = eventKeyOfDelivered(idempotencyKey);
  if (eventKey === undefined || idempotencyKey !== deliveredKey(eventKey, generation)) {
    return {
      ok: false,
      problem: "requestPayload.turnout.idempotencyKey: not a key that Turnout gives with a delivery",
    };
  }
  const deliveryKey = deliveryKeyOf(component, eventKey, generation);
  const executedVersion = responseContext?.executedVersion?.slice(0, MAX_VERSION_CHARS).toWellFormed();
  const base = {
    component,
    eventKey,
    deliveryKey,
    attempt,
    functionArn: unqualified(requestContext.functionArn),
    token,
    requestId: requestContext.requestId,
    eventId: requestPayload.id,
    source: requestPayload.source,
    type: requestPayload["detail-type"],
    subject,
    ...(traceparent !== undefined && { traceparent }),
  };
  if (requestContext.condition === "Success") {
    return { ok: true, value: { ...base, result: { outcome: "done", executedVersion: executedVersion ?? "unknown" } } };
  }
  const error = errorOf(requestContext.condition, responseContext?.functionError, responsePayload);
  // It never began: that isn't the version's failure.
  if (requestContext.condition === "EventAgeExceeded")
    return { ok: true, value: { ...base, result: { outcome: "throttled", error } } };
  const version = executedVersion === undefined ? {} : { executedVersion };
  return { ok: true, value: { ...base, result: { outcome: "failed", error, ...version } } };
}

/** `arn:aws:lambda:region:account:function:name`, without the alias or version that may follow. */
function unqualified(functionArn: string): string {
  return functionArn.split(":", 7).join(":");
}

/** In the function's own words; else what Lambda says, e.g. `EventAgeExceeded` for one that never began. */
function errorOf(condition: string, functionError: string | undefined, payload: unknown) {
  const said = (typeof payload === "object" && payload !== null ? payload : {}) as Record<string, unknown>;
  const { errorType, errorMessage } = said;
  const type = functionError === undefined ? condition : `${functionError}FunctionError`;
  return {
    type: typeof errorType === "string" && errorType !== "" ? errorType : type,
    message: typeof errorMessage === "string" ? errorMessage : `Lambda ended the invocation: ${condition}`,
    ...stackOf(said),
  };
}
