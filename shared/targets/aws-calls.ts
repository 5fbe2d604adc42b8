import { isThrottlingError, isTransientError } from "@smithy/core/retry";
import type { DeliveryError } from "../domain/deliveries/delivery.ts";
import type { Send, SendResult } from "./target.ts";

/** Asks a service of AWS for one operation. Throws errors whose names and metadata are as the SDK's are. */
export type Ask = (operation: string, input: object, signal: AbortSignal) => Promise<Record<string, unknown>>;

/** The service of the region that an ARN names. */
export type AskFor = (arn: string) => Ask;

/**
 * What a refusal is for a delivery. `retry`: it failed, and is tried again. `dead`: the same request would be refused
 * again. `throttled`: there was no room, and nothing was run.
 */
export type Verdict = "retry" | "dead" | "throttled";

/** A service's refusals by name, beside those that the SDK knows of every service. What isn't there is tried again. */
export type RefusalTable = Readonly<Record<string, { verdict: Verdict; remedy?: string }>>;

type Sdkish = Parameters<typeof isThrottlingError>[0];

/** How a send has ended that threw. */
export function resultOfError(error: unknown, table: RefusalTable, send: Send, durationMs: number): SendResult {
  const thrown = error instanceof Error ? error : new Error(String(error));
  if (thrown.name === "TimeoutError") {
    const message = `${send.component} '${send.alias}' gave no answer within ${send.timeoutMs} ms`;
    return refused("retry", { type: "Timeout", message }, durationMs);
  }
  const { verdict, remedy } = { verdict: "retry" as const, ...table[thrown.name] };
  const known = isThrottlingError(thrown as Sdkish)
    ? "throttled"
    : isTransientError(thrown as Sdkish)
      ? "retry"
      : verdict;
  const message = remedy === undefined ? reasonOf(thrown) : `${reasonOf(thrown)} ${remedy}`;
  return refused(known, { type: codeOf(thrown), message }, durationMs);
}

export function refused(verdict: Verdict, error: DeliveryError, durationMs: number): SendResult {
  if (verdict === "throttled") return { outcome: "throttled", error };
  return { outcome: "failed", error, durationMs, ...(verdict === "dead" && { isFinal: true }) };
}

export function tooLarge(bytes: number, most: number, taker: string): SendResult {
  const message = `the event has ${bytes} bytes; ${taker} takes up to ${most}`;
  return refused("dead", { type: "Turnout.PayloadTooLarge", message }, 0);
}

export function wrongTarget(message: string): SendResult {
  return refused("retry", { type: "WrongTarget", message }, 0);
}

const PAUSES_MS = [100, 400];

/**
 * Asks again where an answer was lost, or the service was in trouble: for requests that do the same however often they
 * are made. Another attempt wouldn't be the same request.
 */
export async function askedUntilAnswered(
  ask: () => Promise<Record<string, unknown>>,
  delay: (ms: number) => Promise<unknown>,
): Promise<Record<string, unknown>> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await ask();
    } catch (error) {
      if (!isWorthAsking(error)) throw error;
      await delay(pauseMs);
    }
  }
  return ask();
}

/** What the service has said no to, it would say no to again; what has no answer at all has no metadata either. */
function isWorthAsking(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === "TimeoutError") return false;
  if (!("$metadata" in error)) return true;
  return isTransientError(error as Sdkish) && !isThrottlingError(error as Sdkish);
}

/** Of an answer that never came, Node's own code says more than the name. */
function codeOf({ name, cause }: Error): string {
  const isCoded = cause instanceof Error && "code" in cause && typeof cause.code === "string";
  return isCoded ? (cause.code as string) : name;
}

function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error && cause.message !== "" ? cause.message : message;
}
