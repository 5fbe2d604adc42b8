import type { Context } from "aws-lambda";

/** The longest that one try at the store may take: ten requests of 3 s each, with the waits in between. */
const LONGEST_TRY_MS = 40_000;

/** And at the queue: three requests of 5 s. */
export const LONGEST_QUEUE_TRY_MS = 16_000;

/**
 * The ports of one invocation: what can't be written is tried again until there is but time for one more try, and for
 * what comes after it. An invocation that is cut off gives no message back before its visibility ends, which is hours.
 *
 * @param longestTryMs at most a quarter of the time that there is at the beginning
 */
export function within<P extends { now: () => Date }>(
  ports: P,
  context: Pick<Context, "getRemainingTimeInMillis">,
  longestTryMs = LONGEST_TRY_MS,
): P & { until: () => Date } {
  const spareMs = Math.min(longestTryMs, context.getRemainingTimeInMillis() / 4);
  return { ...ports, until: () => new Date(ports.now().getTime() + context.getRemainingTimeInMillis() - spareMs) };
}
