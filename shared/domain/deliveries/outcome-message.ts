import * as z from "zod/mini";
import { Subject } from "../subject.ts";
import { type Read, read, readJson } from "../text/schema.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import { deliveryMark } from "./attempt-reference.ts";
import { deliveredKey, eventKeyOfDelivered } from "./delivered-event.ts";
import { deliveryKeyOf } from "./delivery-key.ts";
import { countableVersion, isEndOfWork, readEndOfWork } from "./end-of-work.ts";
import { stackOf } from "./error-stack.ts";
import { TOKEN_CHARS } from "./outcome-token.ts";

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

/** The condition of an attempt that a laptop has handed back, or that was taken from it: it is decided again at once. */
export const HANDED_BACK = "HandedBack";

/**
 * Reads a message of the outcomes queue: the record that Lambda, or the embedded runtime, sends for an `async` attempt, or
 * what EventBridge tells of an execution or a task. Undefined when it tells of nobody's end, or of nothing that was
 * handed over here: others start executions and tasks too.
 */
export function readOutcome(body: string): Read<AttemptOutcome | undefined> {
  const json = readJson(body);
  if (!json.ok) return json;
  return isEndOfWork(json.value) ? readEndOfWork(json.value) : readDestinationRecord(json.value);
}

function readDestinationRecord(value: unknown): Read<AttemptOutcome> {
  const record = read(DestinationRecord, value);
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
  const executedVersion = countableVersion(responseContext?.executedVersion);
  const base = {
    eventKey,
    mark: deliveryMark(deliveryKeyOf(component, eventKey, generation)),
    attempt,
    functionArn: unqualified(requestContext.functionArn),
    token,
    tokenChars: TOKEN_CHARS,
    requestId: requestContext.requestId,
    event: {
      eventId: requestPayload.id,
      source: requestPayload.source,
      type: requestPayload["detail-type"],
      subject,
      ...(traceparent !== undefined && { traceparent }),
    },
  };
  if (requestContext.condition === "Success") {
    return { ok: true, value: { ...base, result: { outcome: "done", executedVersion: executedVersion ?? "unknown" } } };
  }
  const error = errorOf(requestContext.condition, responseContext?.functionError, responsePayload);
  // It never began: that isn't the version's failure.
  if (requestContext.condition === "EventAgeExceeded")
    return { ok: true, value: { ...base, result: { outcome: "throttled", error } } };
  // A laptop that is gone or going: nobody waits for it.
  if (requestContext.condition === HANDED_BACK)
    return { ok: true, value: { ...base, result: { outcome: "throttled", error, retryAt: new Date(0) } } };
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
