import { expect, it } from "vitest";
import { MAX_FAILURE_TEXT_CHARS } from "../../../shared/domain/health/failure.ts";
import { countedAttempt } from "../../../shared/flows/deliver/counted-attempt.ts";
import { aClaimRequest } from "../../support/builders.ts";

const at = new Date("2026-11-20T10:00:00.000Z");
const { deliveryKey, generation } = aClaimRequest();
const about = {
  ...{ deliveryKey, generation, component: "mailer", alias: "stable", because: "default alias" as const },
  ...{ eventId: "e", type: "sent", subject: { customer: "acme" } },
};
const first = { failures: 0, lapses: 0 };
const close = { deliveryKey, attempt: 1, at, executedVersion: "7", durationMs: 5 };
const error = { type: "Broken", message: "it broke" };
const failed = { ...close, outcome: "failed", error, nextAttemptAt: at } as const;

it("an attempt counts for its version, and as one that went to the fallback only where it did", () => {
  const counted = countedAttempt(about, first, { ...close, outcome: "done" });
  expect(counted).toStrictEqual({
    ...{ component: "mailer", version: "7", alias: "stable", type: "sent", outcome: "done" },
    attempt: { kind: "first", durationMs: 5 },
  });
  expect(countedAttempt({ ...about, fallback: true }, first, failed)).toMatchObject({ fallback: true });
});

it("what was handed over, and nothing has run yet, is counted by its outcome alone", () => {
  const handedOver = { deliveryKey, attempt: 1, at, outcome: "accepted", nextAttemptAt: at } as const;
  expect(countedAttempt(about, first, handedOver)).toStrictEqual({
    ...{ component: "mailer", version: "", alias: "stable", type: "sent", outcome: "accepted" },
  });
});

it("a failure is kept cut, and whole in its characters", () => {
  const long = { type: "T".repeat(9_999), message: `${"x".repeat(MAX_FAILURE_TEXT_CHARS - 1)}😀` };
  const { failure } = countedAttempt(about, first, { ...failed, error: long });
  expect(failure?.errorType).toBe("T".repeat(MAX_FAILURE_TEXT_CHARS));
  expect(failure?.message).toBe(`${"x".repeat(MAX_FAILURE_TEXT_CHARS - 1)}\uFFFD`);
});

it("the failure of a first attempt is kept, with whom it was about; that of a retry is counted alone", () => {
  expect(countedAttempt(about, first, failed)).toMatchObject({
    attempt: { kind: "first", error },
    failure: { subject: { customer: "acme" }, version: "7", errorType: "Broken", message: "it broke", at },
  });
  const retry = countedAttempt(about, { ...first, failures: 1 }, failed);
  expect(retry).toMatchObject({ attempt: { kind: "retry", error } });
  expect(retry).not.toHaveProperty("failure");
});
