import { describe, expect, it } from "vitest";
import type { ClaimRequest, Close, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst, closedAlready } from "../../../shared/domain/deliveries/ledger-rules.ts";
import { aClaimRequest } from "../../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const error = { type: "Broken", message: "it broke" };
const request = aClaimRequest({ leaseMs: 10_000 });
const { deliveryKey } = request;

/** The entry after a claim, which has to be won. */
function claimed(entry?: LedgerEntry, ms = 0, about: Partial<ClaimRequest> = {}): LedgerEntry {
  const after = claimAgainst(entry, { ...request, ...about }, `owner at ${ms}`, plus(ms)).entry;
  if (after === undefined) throw new Error("the claim was lost");
  return after;
}

type How = Partial<Close> & Pick<Close, "outcome">;
const aClose = (how: How, ms = 1_000) =>
  ({
    deliveryKey,
    attempt: 1,
    at: plus(ms),
    ...(how.outcome === "done" || how.outcome === "accepted" ? {} : { error }),
    ...how,
  }) as Close;

/** The entry after a close, which has to be taken. */
function closed(entry: LedgerEntry, how: How, ms = 1_000): LedgerEntry {
  const after = closeAgainst(entry, aClose(how, ms));
  if (after === undefined) throw new Error("the close changed nothing");
  return after;
}

const acceptedClose = {
  deliveryKey,
  attempt: 1,
  at: plus(1_000),
  outcome: "accepted",
  nextAttemptAt: plus(60_000),
  dueAt: plus(60_000),
} as const;
const accepted = () => closed(claimed(), acceptedClose);
const parked = () => closed(claimed(), { outcome: "failed", nextAttemptAt: plus(60_000), dueAt: plus(60_000) });

describe("a delivery that was accepted", () => {
  it("stands there with its deadline, on which the sweeper looks at it", () => {
    const entry = accepted();
    const { nextAttemptAt, dueAt } = acceptedClose;
    expect(entry).toMatchObject({ status: "accepted", failures: 0, nextAttemptAt, dueAt });
    expect(entry.attempts).toEqual([{ attempt: 1, at: plus(1_000), outcome: "accepted" }]);
  });

  it("can't be claimed before its deadline, and then as a lapse whose outcome is missing", () => {
    const early = claimAgainst(accepted(), request, "ben", plus(59_999));
    expect(early).toEqual({ claim: { won: false, why: "accepted", retryAt: plus(60_000) }, entry: undefined });
    const { claim, entry } = claimAgainst(accepted(), request, "ben", plus(60_000));
    expect(claim).toMatchObject({ won: true, attempt: 2, failures: 0, lapses: 1 });
    expect(entry?.attempts).toEqual([{ attempt: 1, at: plus(60_000), outcome: "outcome missing" }]);
  });

  it.each([
    ["done", "done", 0],
    ["failed", "failed", 1],
    ["dead", "dead", 1],
  ] as const)("is %s when its outcome says so, and that stands in place of the note", (outcome, status, failures) => {
    const retry = outcome === "failed" ? { nextAttemptAt: plus(9_000), dueAt: plus(9_000) } : {};
    const entry = closed(accepted(), { outcome, executedVersion: "23", ...retry }, 5_000);
    expect(entry).toMatchObject({ status, failures, closedAt: plus(5_000), executedVersion: "23" });
    expect(entry.attempts).toMatchObject([{ attempt: 1, at: plus(5_000), outcome, version: "23" }]);
    expect(entry.nextAttemptAt).toEqual(retry.nextAttemptAt);
    expect(entry.dueAt).toEqual(retry.dueAt);
  });

  it("keeps what came before its note", () => {
    const failed = closed(claimed(), { outcome: "failed", nextAttemptAt: plus(2_000) });
    const again = closed(claimed(failed, 2_000), { ...acceptedClose, attempt: 2 }, 3_000);
    const entry = closed(again, { outcome: "done", attempt: 2 }, 5_000);
    expect(entry.attempts).toMatchObject([
      { attempt: 1, outcome: "failed" },
      { attempt: 2, outcome: "done" },
    ]);
  });

  it("may have its outcome before the router has noted that it was accepted; the note then changes nothing", () => {
    const entry = closed(claimed(), { outcome: "done", executedVersion: "23" });
    expect(entry).toMatchObject({ status: "done", executedVersion: "23" });
    expect(closeAgainst(entry, acceptedClose)).toBeUndefined();
    const failed = closed(claimed(), { outcome: "failed", nextAttemptAt: plus(9_000), dueAt: plus(9_000) });
    expect(closeAgainst(failed, acceptedClose)).toBeUndefined();
  });

  it("is noted once", () => {
    expect(closeAgainst(accepted(), acceptedClose)).toBeUndefined();
  });

  it("isn't closed by an outcome that comes after the next attempt has begun", () => {
    expect(closeAgainst(claimed(accepted(), 60_000), aClose({ outcome: "done" }, 60_001))).toBeUndefined();
  });
});

describe("a delivery that is parked", () => {
  it("tells its message that the sweeper looks after it, until it is due", () => {
    const { claim } = claimAgainst(parked(), request, "ben", plus(59_999));
    expect(claim).toEqual({ won: false, why: "parked", retryAt: plus(60_000) });
  });

  it("keeps a due time below whatever should bring it back, as its message may be gone, until it is at rest", () => {
    for (const before of [parked(), accepted()]) {
      const entry = claimed(before, 60_000);
      expect(entry).toMatchObject({ status: "claimed", attempt: 2 });
      expect(entry.dueAt).toEqual(new Date(entry.leaseUntil.getTime() + 60_000));
      expect(entry).not.toHaveProperty("nextAttemptAt");
      const nextAttemptAt = plus(70_000);
      const again = closeAgainst(entry, {
        deliveryKey,
        attempt: 2,
        at: plus(61_000),
        outcome: "failed",
        error,
        nextAttemptAt,
      });
      expect(again).toMatchObject({ status: "failed", nextAttemptAt, dueAt: plus(130_000) });
      const dead = closeAgainst(entry, { deliveryKey, attempt: 2, at: plus(61_000), outcome: "dead", error });
      expect(dead).not.toHaveProperty("dueAt");
    }
    expect(closed(accepted(), { outcome: "done" }, 5_000)).not.toHaveProperty("dueAt");
  });
});

describe("an entry that has expired", () => {
  const expiresAt = plus(100_000);

  it.each<[string, LedgerEntry]>([
    ["done", closed(claimed(undefined, 0, { expiresAt }), { outcome: "done" })],
    ["dead", closed(claimed(undefined, 0, { expiresAt }), { outcome: "dead" })],
    ["claimed, with its lease running", claimed(undefined, 0, { expiresAt, leaseMs: 200_000 })],
    ["of another payload", claimed(undefined, 0, { expiresAt, payloadHash: "b".repeat(64) })],
  ])("counts as absent, its number aside, also one that is %s", (_, entry) => {
    const t0 = plus(99_000);
    expect(claimAgainst(entry, request, "ben", plus(99_999)).claim.won).toBe(false);
    const { claim, entry: begun } = claimAgainst(entry, { ...request, t0 }, "ben", expiresAt);
    const leaseUntil = plus(110_000);
    expect(claim).toEqual({ won: true, attempt: 2, failures: 0, lapses: 0, since: expiresAt, t0, leaseUntil });
    expect(begun).toMatchObject({ status: "claimed", payloadHash: request.payloadHash, t0, attempts: [] });
    expect(begun).not.toHaveProperty("closedAt");
    expect(begun).not.toHaveProperty("error");
  });

  it("leaves the new one alone when its own attempt is closed after all", () => {
    const begun = claimed(claimed(undefined, 0, { expiresAt }), 100_000);
    expect(closeAgainst(begun, aClose({ outcome: "done" }, 100_001))).toBeUndefined();
    expect(closeAgainst(begun, aClose({ outcome: "done", attempt: 2 }, 100_001))?.status).toBe("done");
  });
});

it("an entry expires no earlier after it was reclaimed, and later where its record does", () => {
  for (const [ms, kept] of [
    [100_000, 500_000],
    [900_000, 900_000],
  ] as const) {
    const entry = claimed(undefined, 0, { expiresAt: plus(500_000) });
    expect(claimed(entry, 10_000, { expiresAt: plus(ms) }).expiresAt).toEqual(plus(kept));
  }
});

describe("a close that comes again because its answer was lost", () => {
  const closes: Close[] = [aClose({ outcome: "done" }), aClose({ outcome: "postponed", nextAttemptAt: plus(2_000) })];

  it.each([...closes, acceptedClose])("is known by what it has left: $outcome", (close) => {
    const entry = closeAgainst(claimed(), close);
    expect(closedAlready(entry, close)).toBe(true);
    expect(closedAlready(entry, { ...close, at: plus(1_001) })).toBe(false);
    expect(closedAlready(entry, { ...close, attempt: 2 })).toBe(false);
    expect(closedAlready(entry, aClose({ outcome: "dead" }))).toBe(false);
  });

  it("isn't seen where nothing was closed", () => {
    const [close] = closes as [Close];
    expect(closedAlready(undefined, close)).toBe(false);
    expect(closedAlready(claimed(), close)).toBe(false);
  });

  it("is seen also when a new attempt has begun since", () => {
    const [, close] = closes as [Close, Close];
    const entry = closeAgainst(claimed(), close);
    expect(closedAlready(claimed(entry, 60_000), close)).toBe(true);
  });
});
