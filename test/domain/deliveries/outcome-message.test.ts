import { describe, expect, it } from "vitest";
import { deliveryMark } from "../../../shared/domain/deliveries/attempt-reference.ts";
import { deliveredEvent, type TurnoutField } from "../../../shared/domain/deliveries/delivered-event.ts";
import { deliveryKeyOf, eventKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import { readOutcome } from "../../../shared/domain/deliveries/outcome-message.ts";
import { anEvent, anOrdersKey, bodyOf } from "../../support/builders.ts";

const turnout: TurnoutField = {
  component: "mailer",
  alias: "beta",
  because: "customer pin",
  fallback: false,
  idempotencyKey: anOrdersKey("order-1", "replay-7"),
  publisherKey: "order-1",
  generation: "replay-7",
  attempt: 3,
  outcomeToken: "its token",
  routingRevision: 42,
  subject: { customer: "acme" },
  replay: "replay-7",
};
const eventKey = eventKeyOf("shop", "order placed", "order-1");
const named = {
  eventKey,
  mark: deliveryMark(deliveryKeyOf("mailer", eventKey, "replay-7")),
  attempt: 3,
  functionArn: "arn:aws:lambda:eu-west-1:123456789012:function:mailer",
  token: "its token",
  tokenChars: 43,
  requestId: "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
  event: { eventId: anEvent().id, source: "shop", type: "order placed", subject: { customer: "acme" } },
};

/** As in "Capturing records of asynchronous invocations" of the Lambda developer guide. */
function aRecord(condition: string, about: Record<string, unknown> = {}): object {
  return {
    version: "1.0",
    timestamp: "2026-11-20T10:00:05.568Z",
    requestContext: {
      requestId: "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
      functionArn: "arn:aws:lambda:eu-west-1:123456789012:function:mailer:beta",
      condition,
      approximateInvokeCount: 1,
    },
    requestPayload: JSON.parse(deliveredEvent(bodyOf(anEvent()), turnout)),
    responseContext: { statusCode: 200, executedVersion: "23" },
    responsePayload: null,
    ...about,
  };
}

const outcomeOf = (record: object) => readOutcome(JSON.stringify(record));
const thrown = { errorType: "TypeError", errorMessage: "x is undefined", trace: ["TypeError: x is undefined"] };

describe("a record that Lambda sends to a destination", () => {
  it("Lambda's record of a success names the attempt and the version that ran", () => {
    expect(outcomeOf(aRecord("Success", { responsePayload: { ok: true } }))).toStrictEqual({
      ok: true,
      value: { ...named, result: { outcome: "done", executedVersion: "23" } },
    });
  });

  it.each([
    ["half a surrogate", "a\\ud800", "a\ufffd"],
    ["no end", "v".repeat(100_000), "v".repeat(128)],
  ])("names a version that every store can count by, also one with %s", (_, told, counted) => {
    const text = JSON.stringify(aRecord("Success")).replace('"executedVersion":"23"', `"executedVersion":"${told}"`);
    expect(readOutcome(text)).toMatchObject({ ok: true, value: { result: { executedVersion: counted } } });
  });

  it.each<[string, Record<string, unknown>, object]>([
    [
      "that the handler threw",
      {
        responseContext: { statusCode: 200, executedVersion: "23", functionError: "Unhandled" },
        responsePayload: thrown,
      },
      { error: { type: "TypeError", message: "x is undefined", stack: thrown.trace[0] }, executedVersion: "23" },
    ],
    [
      "that the handler answered with",
      {
        responseContext: { statusCode: 200, executedVersion: "23", functionError: "Handled" },
        responsePayload: thrown,
      },
      { error: { type: "TypeError", message: "x is undefined", stack: thrown.trace[0] }, executedVersion: "23" },
    ],
    [
      "without a type, as of a timeout",
      {
        responseContext: { statusCode: 200, executedVersion: "23", functionError: "Unhandled" },
        responsePayload: { errorType: "", errorMessage: "Task timed out after 3.00 seconds" },
      },
      {
        error: { type: "UnhandledFunctionError", message: "Task timed out after 3.00 seconds" },
        executedVersion: "23",
      },
    ],
    [
      "that is no object",
      { responseContext: { statusCode: 200, functionError: "Handled" }, responsePayload: "no" },
      { error: { type: "HandledFunctionError", message: expect.stringContaining("RetriesExhausted") } },
    ],
  ])("Lambda's record of an error %s tells it in the function's words", (_, about, failure) => {
    expect(outcomeOf(aRecord("RetriesExhausted", about))).toStrictEqual({
      ok: true,
      value: { ...named, result: { outcome: "failed", ...failure } },
    });
  });

  const {
    responseContext: _context,
    responsePayload: _payload,
    ...neverBegun
  } = aRecord("EventAgeExceeded") as Record<string, unknown>;
  it.each([
    ["null", { ...neverBegun, responseContext: null, responsePayload: null }],
    ["absent", neverBegun],
  ])(
    "Lambda's record of an event that never began, its answer being %s, is no failure: nothing was run",
    (_, record) => {
      expect(outcomeOf(record)).toStrictEqual({
        ok: true,
        value: {
          ...named,
          result: {
            outcome: "throttled",
            error: { type: "EventAgeExceeded", message: expect.stringContaining("EventAgeExceeded") },
          },
        },
      });
    },
  );

  it("a record of what a laptop has handed back has it decided again at once", () => {
    const responsePayload = { errorType: "LaptopGone", errorMessage: "it is gone" };
    expect(outcomeOf(aRecord("HandedBack", { responsePayload }))).toStrictEqual({
      ok: true,
      value: {
        ...named,
        result: {
          ...{ outcome: "throttled", error: { type: "LaptopGone", message: "it is gone" }, retryAt: new Date(0) },
        },
      },
    });
  });

  it("a record is taken without what it says only by the way, where that is something else than it should be", () => {
    const payload = (about: object, turnoutAbout: object = {}) => {
      const { requestPayload: delivered } = aRecord("Success") as { requestPayload: object };
      return { requestPayload: { ...delivered, ...about, turnout: { ...turnout, ...turnoutAbout } } };
    };
    const saidOf = (about: Record<string, unknown>) => {
      const read = outcomeOf(aRecord("Success", about));
      return read.ok ? read.value : read;
    };
    const { requestContext } = aRecord("Success") as { requestContext: object };
    const called = (requestId: unknown) => saidOf({ requestContext: { ...requestContext, requestId } });
    expect(called("x".repeat(64))).toMatchObject({ requestId: "x".repeat(64) });
    expect([called("x".repeat(65)), called(7)]).toMatchObject([{ requestId: "" }, { requestId: "" }]);
    expect(saidOf(payload({ id: 7, source: null, "detail-type": [] }, { subject: "acme" }))).toMatchObject({
      event: { eventId: "", source: "", type: "", subject: {} },
    });
    expect(saidOf(payload({}, { traceparent: "00-a" }))).toMatchObject({ event: { traceparent: "00-a" } });
    const untold = saidOf({ responseContext: { statusCode: 200 } });
    expect(untold).toMatchObject({ result: { outcome: "done", executedVersion: "unknown" } });
    const odd = { responsePayload: { errorType: 7, errorMessage: 7 }, responseContext: { functionError: "Handled" } };
    expect(outcomeOf(aRecord("RetriesExhausted", odd))).toMatchObject({
      value: {
        result: {
          error: { type: "HandledFunctionError", message: "Lambda ended the invocation: RetriesExhausted" },
        },
      },
    });
  });

  const { requestPayload } = aRecord("Success") as { requestPayload: Record<string, unknown> };
  const ofAttempt = (attempt: unknown) => ({ ...requestPayload, turnout: { ...turnout, attempt } });
  it.each<[string, string | object, string]>([
    ["text that isn't JSON", "hello", "not JSON"],
    ["an event", anEvent(), "requestContext: "],
    ["a record without a condition", { ...aRecord("Success"), requestContext: {} }, "requestContext.condition: "],
    [
      "a record of no function",
      { ...aRecord("Success"), requestContext: { condition: "Success" } },
      "requestContext.functionArn: ",
    ],
    [
      "a record of somebody else's event",
      aRecord("Success", { requestPayload: anEvent() }),
      "requestPayload.turnout: ",
    ],
    [
      "an attempt that is text",
      aRecord("Success", { requestPayload: ofAttempt("3") }),
      "requestPayload.turnout.attempt: ",
    ],
    [
      "an attempt without a token",
      aRecord("Success", { requestPayload: { ...requestPayload, turnout: { ...turnout, outcomeToken: undefined } } }),
      "requestPayload.turnout.outcomeToken: ",
    ],
    [
      "a key that Turnout gave nobody",
      aRecord("Success", { requestPayload: { ...requestPayload, turnout: { ...turnout, idempotencyKey: "order-1" } } }),
      "requestPayload.turnout.idempotencyKey: ",
    ],
    [
      "a key of another generation",
      aRecord("Success", { requestPayload: { ...requestPayload, turnout: { ...turnout, generation: "live" } } }),
      "requestPayload.turnout.idempotencyKey: ",
    ],
    ["half an attempt", aRecord("Success", { requestPayload: ofAttempt(1.5) }), "requestPayload.turnout.attempt: "],
  ])("isn't seen in %s, which is refused with the place", (_what, body, problem) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    expect(readOutcome(text)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });
});
