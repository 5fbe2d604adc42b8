import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RetryPolicy, retryDelayMs } from "../../shared/domain/retry.ts";
import { read } from "../../shared/domain/text/schema.ts";

const almostOne = 1 - Number.EPSILON / 2;

describe("retryDelayMs", () => {
  const policy = RetryPolicy.parse({ baseDelayMs: 500, maxDelayMs: 30_000 });

  it.each([
    [1, 499],
    [2, 999],
    [3, 1_999],
    [6, 15_999],
    [7, 29_999],
    [8, 29_999],
    [100, 29_999],
  ])("after %i failures is at most %i ms", (failures, ms) => {
    expect(retryDelayMs(policy, failures, almostOne)).toBe(ms);
  });

  it("is anywhere from nothing up: full jitter", () => {
    expect(retryDelayMs(policy, 3, 0)).toBe(0);
    expect(retryDelayMs(policy, 3, 0.25)).toBe(500);
    expect(retryDelayMs(policy, 3, 0.5)).toBe(1_000);
  });

  const anyPolicy = fc
    .record({ baseDelayMs: fc.integer({ min: 1 }), maxDelayMs: fc.integer({ min: 1, max: 43_200_000 }) })
    .map((delays) => RetryPolicy.parse(delays));
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it("is a whole number from 0 to the longest delay, also after 1,000 failures", () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 1_000 }), chance, (any, failures, random) => {
        const ms = retryDelayMs(any, failures, random);
        expect(Number.isSafeInteger(ms) && ms >= 0 && ms <= any.maxDelayMs).toBe(true);
      }),
    );
  });

  it("never has a lower ceiling after one more failure", () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 100 }), chance, (any, failures, random) => {
        expect(retryDelayMs(any, failures + 1, random)).toBeGreaterThanOrEqual(retryDelayMs(any, failures, random));
      }),
    );
  });
});

describe("a retry policy", () => {
  it("has five attempts, half a second, half a minute and a day by default", () => {
    expect(RetryPolicy.parse({})).toEqual({
      maxAttempts: 5,
      baseDelayMs: 500,
      maxDelayMs: 30_000,
      maxAgeMs: 86_400_000,
      nonRetryableErrors: [],
    });
  });

  it.each([
    { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1, maxAgeMs: 1, nonRetryableErrors: ["E"] },
    { maxAttempts: 100, maxDelayMs: 43_200_000, maxAgeMs: 1_209_600_000, nonRetryableErrors: ["E".repeat(256)] },
  ])("takes %j", (bounds) => {
    expect(RetryPolicy.parse(bounds)).toMatchObject(bounds);
  });

  it.each([
    { maxAttempts: 0 },
    { maxAttempts: 101 },
    { maxAttempts: 1.5 },
    { baseDelayMs: 0 },
    { maxDelayMs: 0 },
    { maxDelayMs: 43_200_001 },
    { maxAgeMs: 0 },
    { maxAgeMs: 1_209_600_001 },
    { nonRetryableErrors: [""] },
    { nonRetryableErrors: ["E".repeat(257)] },
    { retries: 3 },
  ])("refuses %j and names the field", (wrong) => {
    const [field = ""] = Object.keys(wrong);
    expect(read(RetryPolicy, wrong)).toEqual({ ok: false, problem: expect.stringContaining(field) });
  });
});
