import { expect, it } from "vitest";
import { destinationRecord, type ToldOutcome } from "../../../shared/domain/deliveries/destination-record.ts";

const at = new Date("2026-11-20T10:00:00.000Z");
const about = { alias: "beta", functionArn: "arn:f", requestId: "r", requestPayload: { id: "e" } };
const error = { type: "Broken", message: "it broke" };
const told = (outcome: ToldOutcome) => destinationRecord(about, outcome, at);

it("what became of an attempt is told as Lambda's destinations tell it", () => {
  expect(told({ outcome: "done", executedVersion: "7" })).toEqual({
    version: "1.0",
    timestamp: at.toISOString(),
    requestContext: { requestId: "r", functionArn: "arn:f:beta", condition: "Success", approximateInvokeCount: 1 },
    requestPayload: { id: "e" },
    responseContext: { statusCode: 200, executedVersion: "7" },
    responsePayload: null,
  });
});

it("a failure is told with its error, its stack line by line, and its version where that is known", () => {
  const payload = { errorType: "Broken", errorMessage: "it broke" };
  expect(told({ outcome: "failed", error: { ...error, stack: "a\nb" }, executedVersion: "7" })).toMatchObject({
    requestContext: { condition: "RetriesExhausted" },
    responseContext: { functionError: "Unhandled", executedVersion: "7" },
    responsePayload: { ...payload, trace: ["a", "b"] },
  });
  const unknown = told({ outcome: "failed", error });
  expect(unknown.responseContext).toEqual({ statusCode: 200, functionError: "Unhandled" });
  expect(unknown.responsePayload).toEqual(payload);
});

it("what never began, or was handed back, is told by its condition", () => {
  const conditions = (["never begun", "handed back"] as const).map(
    (outcome) => told({ outcome, error }).requestContext.condition,
  );
  expect(conditions).toEqual(["EventAgeExceeded", "HandedBack"]);
});
