import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import { TurnoutError } from "../domain/errors.ts";
import { type RetryPolicy, retryDelayMs } from "../domain/retry.ts";

/** How a request is tried again. */
export type Retrying = {
  retry: Pick<RetryPolicy, "maxAttempts" | "baseDelayMs" | "maxDelayMs">;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  /** Resolves after that many milliseconds. */
  delay: (ms: number) => Promise<unknown>;
};

/** A table by its name, and the environment variable that names it. */
export type DynamoDBTable = { name: string; setting: string };

/** Thrown by a read that saw half of a change; the other half is on its way. */
export class ReadAgain extends Error {
  override readonly name = "ReadAgain";
}

/** Thrown when a request was answered, but not for all that it asked: what is left is asked for again. */
export class PartlyServed extends Error {
  override readonly name = "PartlyServed";
}

/** Thrown when every try failed in a way that might pass. */
export class GaveUp extends TurnoutError {
  override readonly name = "GaveUp";

  constructor(tableName: string, tries: number, cause: unknown) {
    super(
      "failed",
      `The DynamoDB table '${tableName}' didn't serve the request in ${tries === 1 ? "1 try" : `${tries} tries`}; the last one failed with ` +
        `${described(cause)}. Try again; if it stays so, look at the table's throttling metrics and the network.`,
      { cause },
    );
  }
}

/**
 * Runs `work` until it succeeds, with exponential backoff and full jitter between the tries.
 * @throws GaveUp after the last try; TurnoutError `not found` or `not allowed` for a table that isn't there or may not
 * be used; anything else that doesn't pass by itself, as it is
 * @param passes which errors are tried again; by default all after which the same request may succeed
 */
export async function retrying<T>(
  options: Retrying,
  table: DynamoDBTable,
  work: () => Promise<T>,
  passes: (error: unknown) => boolean = mayPass,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error)) throw explained(error, table);
      if (failures >= options.retry.maxAttempts) throw new GaveUp(table.name, failures, error);
      await options.delay(retryDelayMs(options.retry, failures, options.random()));
    }
  }
}

/** An error as the SDK's own classification takes it; it looks at what it finds. */
type SdkError = Parameters<typeof isThrottlingError>[0];

/** True for a request that was turned away unread: it has certainly changed nothing. */
export function throttled(error: unknown): boolean {
  // The SDK counts a transaction that is still under way among them, which may yet change something.
  return (
    error instanceof Error && isThrottlingError(error as SdkError) && error.name !== "TransactionInProgressException"
  );
}

/** What passes besides what the SDK knows of; names of errors and Node's codes. */
const PASSING = new Set([
  "TransactionConflictException",
  "ReplicatedWriteConflictException",
  // An answer that was cut off.
  "SyntaxError",
  "ReadAgain",
  "PartlyServed",
  "ECONNABORTED",
]);

/** Reasons of a cancelled transaction after which the same transaction may succeed. */
const PASSING_REASONS = new Set(["TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"]);

function mayPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const reasons = cancellationReasons(error);
  if (reasons.length > 0) return reasons.every((reason) => PASSING_REASONS.has(reason));
  const sdkError = error as SdkError;
  if (isThrottlingError(sdkError) || isTransientError(sdkError) || isServerError(sdkError)) return true;
  return PASSING.has(error.name) || PASSING.has(String(codeOf(error)));
}

/** True when a transaction was cancelled because one of its conditions didn't hold. */
export function conditionFailed(error: unknown): boolean {
  return cancellationReasons(error).includes("ConditionalCheckFailed");
}

/** True when a read was refused because its items are too much for one answer: more than 4 MB. */
export function answerTooLarge(error: unknown): boolean {
  if (error instanceof Error && error.name === "ValidationException") return true;
  return cancellationReasons(error).includes("ValidationError");
}

/** Why a transaction was cancelled, item by item without those that were fine; empty for any other error. */
function cancellationReasons(error: unknown): string[] {
  if (!(error instanceof TransactionCanceledException)) return [];
  return (error.CancellationReasons ?? []).map(({ Code }) => Code ?? "None").filter((code) => code !== "None");
}

function explained(error: unknown, table: DynamoDBTable): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === "ResourceNotFoundException") return tableMissing(table, error);
  if (error.name === "AccessDeniedException") return accessDenied(table, error.message, error);
  return error;
}

export function tableMissing({ name, setting }: DynamoDBTable, cause?: Error): TurnoutError {
  return new TurnoutError(
    "not found",
    `There is no DynamoDB table '${name}' in this account and region. Deploy Turnout there, or name another ` +
      `table in ${setting} or another region in AWS_REGION.`,
    { cause },
  );
}

export function accessDenied({ name }: DynamoDBTable, message: string, cause?: Error): TurnoutError {
  return new TurnoutError(
    "not allowed",
    `The DynamoDB table '${name}' may not be used with these credentials (${message}).`,
    { cause },
  );
}

function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reasons = new Set(cancellationReasons(error));
  const detail = reasons.size > 0 ? [...reasons].join(", ") : error.message;
  return detail === "" || detail === "UnknownError" ? error.name : `${error.name}: ${detail}`;
}

function codeOf(error: Error): unknown {
  return "code" in error ? error.code : undefined;
}
