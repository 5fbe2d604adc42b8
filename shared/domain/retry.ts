import * as z from "zod/mini";

/** When a failed delivery is tried again, and when it is given up as dead. */
export const RetryPolicy = z.strictObject({
  /** Attempts in all, the first one included. */
  maxAttempts: z._default(z.int().check(z.minimum(1), z.maximum(100)), 5),
  /** Upper bound of the delay after the first failure; it doubles with every further one. */
  baseDelayMs: z._default(z.int().check(z.minimum(1)), 500),
  /** Upper bound of any delay. */
  maxDelayMs: z._default(z.int().check(z.minimum(1), z.maximum(43_200_000)), 30_000),
  /**
   * A delivery that would have to wait past this age, counted from its first attempt, is given up: nothing is retried
   * for ever, not even what is postponed and so never counted. Default 24 hours, at most 14 days.
   */
  maxAgeMs: z._default(z.int().check(z.minimum(1), z.maximum(1_209_600_000)), 86_400_000),
  /** Types of errors that no retry heals, as the version names them: the delivery is given up at once. */
  nonRetryableErrors: z._default(z.array(z.string().check(z.minLength(1), z.maxLength(256))), []),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/**
 * The delay before the next attempt: full jitter, `random × min(maxDelay, baseDelay × 2^(failures - 1))`
 * (AWS Architecture Blog, "Exponential Backoff And Jitter").
 *
 * @param failures attempts that have failed so far, at least 1
 * @param random a number from 0 (inclusive) to 1 (exclusive)
 */
export function retryDelayMs(
  policy: Pick<RetryPolicy, "baseDelayMs" | "maxDelayMs">,
  failures: number,
  random: number,
): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (failures - 1));
  return Math.floor(random * ceiling);
}
