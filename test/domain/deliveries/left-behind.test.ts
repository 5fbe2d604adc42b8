import { expect, it } from "vitest";
import type { ClaimRequest, Close, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst } from "../../../shared/domain/deliveries/ledger-rules.ts";
import { leftBehind, netsUntil } from "../../../shared/domain/deliveries/left-behind.ts";
import { MAX_MESSAGE_BACKOFF_MS } from "../../../shared/domain/deliveries/settle-attempt.ts";
import { aClaimRequest } from "../../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const now = plus(3_000);
const error = { type: "Broken", message: "it broke" };

function claimed(about: Partial<ClaimRequest> = {}): LedgerEntry {
  const { entry } = claimAgainst(undefined, { ...aClaimRequest({ leaseMs: 10_000 }), ...about }, "ada", start);
  if (entry === undefined) throw new Error("the claim was lost");
  return entry;
}

type Closing = Close extends infer C ? (C extends Close ? Omit<C, "deliveryKey" | "attempt" | "at"> : never) : never;

function closed(entry: LedgerEntry, closing: Closing): LedgerEntry {
  const { deliveryKey, attempt } = entry;
  const after = closeAgainst(entry, { deliveryKey, attempt, at: plus(1_000), ...closing });
  if (after === undefined) throw new Error("the close changed nothing");
  return after;
}

const failedUntil = (nextAttemptAt: Date, parked: { dueAt?: Date } = {}): Closing => {
  return { outcome: "failed", error, nextAttemptAt, ...parked };
};

it("a claim of a process that is gone is over, and due at once where no message stands for it", () => {
  const [queued, unqueued] = [claimed(), claimed({ unqueued: true })];
  expect(leftBehind(queued, now)).toStrictEqual({ ...queued, leaseUntil: now });
  expect(leftBehind(unqueued, now)).toStrictEqual({ ...unqueued, leaseUntil: now, dueAt: now });
});

it("what a process had accepted that is gone has lapsed, and is due at once", () => {
  const accepted = closed(claimed(), { outcome: "accepted", nextAttemptAt: plus(60_000) });
  expect(leftBehind(accepted, now)).toStrictEqual({
    ...accepted,
    ...{ status: "failed", lapses: 1, nextAttemptAt: now, dueAt: now },
  });
});

it.each([
  ["failed", failedUntil(plus(9_000)), plus(9_000)],
  ["failed and might be tried by now", failedUntil(plus(2_000)), plus(2_000)],
  ["was put off", { outcome: "postponed", error, nextAttemptAt: plus(9_000) } as Closing, plus(9_000)],
])("what %s with no more than a net below its message is due when its next attempt is", (_what, closing, dueAt) => {
  const failed = closed(claimed({ unqueued: true }), closing);
  const left = leftBehind(failed, now);
  expect(left).toStrictEqual({ ...failed, dueAt });
  // Its message, where one was written after all, finds it parked until then, and goes.
  const early = new Date(dueAt.getTime() - 1);
  expect(claimAgainst(left, aClaimRequest(), "bob", early).claim).toMatchObject({ won: false, why: "parked" });
});

it.each([
  ["whose message stands for it", closed(claimed(), failedUntil(plus(9_000)))],
  ["that is parked", closed(claimed({ unqueued: true }), failedUntil(plus(60_000), { dueAt: plus(60_000) }))],
  [
    "that the sweeper has sent a message for",
    { ...closed(claimed({ unqueued: true }), failedUntil(plus(9_000))), dueAt: plus(900_000) },
  ],
  ["that is done", closed(claimed({ unqueued: true }), { outcome: "done" })],
  ["that is dead", closed(claimed({ unqueued: true }), { outcome: "dead", error })],
])("a delivery %s stays as it is", (_what, entry) => {
  expect(leftBehind(entry, now)).toBeUndefined();
});

it("no net lies later than the longest backoff of a message and a minute", () => {
  const last = closed(claimed({ unqueued: true }), failedUntil(plus(1_000 + MAX_MESSAGE_BACKOFF_MS)));
  expect(last.dueAt).toEqual(netsUntil(plus(1_000)));
});
