import type { DeliveryError } from "./delivery.ts";
import { HANDED_BACK } from "./outcome-message.ts";

/** Who ran an attempt, and the event that it was handed. */
export type HandedOver = {
  alias: string;
  functionArn: string;
  requestId: string;
  /** The event as it was delivered, or what of it names the attempt. */
  requestPayload: object;
};

/** What came of it. `never begun`: its time was over. `handed back`: nobody runs it any more. */
export type ToldOutcome =
  | { outcome: "done"; executedVersion: string }
  | { outcome: "failed"; error: DeliveryError; executedVersion?: string }
  | { outcome: "never begun" | "handed back"; error: DeliveryError };

/** The record of an outcome as Lambda's destinations write it, for what is no Lambda function. */
export function destinationRecord(
  { alias, functionArn, requestId, requestPayload }: HandedOver,
  told: ToldOutcome,
  at: Date,
) {
  const { condition, responseContext, responsePayload } = said(told);
  return {
    version: "1.0",
    timestamp: at.toISOString(),
    requestContext: { requestId, functionArn: `${functionArn}:${alias}`, condition, approximateInvokeCount: 1 },
    requestPayload,
    responseContext: { statusCode: 200, ...responseContext },
    responsePayload,
  };
}

function said(told: ToldOutcome): { condition: string; responseContext: object; responsePayload: unknown } {
  switch (told.outcome) {
    case "done":
      return {
        condition: "Success",
        responseContext: { executedVersion: told.executedVersion },
        responsePayload: null,
      };
    case "failed": {
      const { error, executedVersion } = told;
      const version = executedVersion === undefined ? {} : { executedVersion };
      const responseContext = { functionError: "Unhandled", ...version };
      return { condition: "RetriesExhausted", responseContext, responsePayload: errorPayload(error) };
    }
    case "never begun":
      return { condition: "EventAgeExceeded", responseContext: {}, responsePayload: errorPayload(told.error) };
    case "handed back":
      return { condition: HANDED_BACK, responseContext: {}, responsePayload: errorPayload(told.error) };
  }
}

function errorPayload({ type, message, stack }: DeliveryError) {
  return { errorType: type, errorMessage: message, ...(stack !== undefined && { trace: stack.split("\n") }) };
}
