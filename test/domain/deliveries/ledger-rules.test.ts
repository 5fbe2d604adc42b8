import { describe, expect, it } from "vitest";
import {
  type ClaimRequest,
  type Close,
  type DeliveryError,
  HELD,
  type LedgerEntry,
} from "../../../shared/domain/deliveries/delivery.ts";
import {
  claimAgainst,
  closeAgainst,
  isFirstClaim,
  MAX_ERROR_CHARS,
  MAX_STACK_CHARS,
} from "../../../shared/domain/deliveries/ledger-rules.ts";
import { aClaimRequest } from "../../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const HOUR_MS = 3_600_000;
const error = { type: "Broken", message: "it broke" };
const held = { type: HELD, message: "its row can't be read" };
const full = { type: "Throttled", message: "no room" };

function claimed(
  entry?: LedgerEntry,
  ms = 0,
  about: Partial<ClaimRequest> = {},
  owner = `owner at ${ms}`,
): LedgerEntry {
  const after = claimAgainst(entry, { ...aClaimRequest({ leaseMs: 10_000 }), ...about }, owner, plus(ms)).entry;
  if (after === undefined) throw new Error("the claim was lost");
  return after;
}

type How = { outcome: Close["outcome"]; error?: DeliveryError };

/** The entry after its newest attempt was closed like this; what isn't at rest may be claimed again at once. */
function closed(entry: LedgerEntry, how: How, ms = 0): LedgerEntry {
  const { deliveryKey, attempt } = entry;
  const after = closeAgainst(entry, { deliveryKey, attempt, at: plus(ms), nextAttemptAt: plus(ms), ...how } as Close);
  if (after === undefined) throw new Error("the close changed nothing");
  return after;
}

/** One attempt after the other, an hour apart, each closed like this. */
const through = (...closes: How[]): LedgerEntry | undefined =>
  closes.reduce<LedgerEntry | undefined>(
    (entry, how, n) => closed(claimed(entry, n * HOUR_MS), how, n * HOUR_MS),
    undefined,
  );

const notesOf = (entry: LedgerEntry | undefined) =>
  entry?.attempts.map(({ attempt, outcome }) => `${attempt} ${outcome}`);
const times = (count: number, how: How) => Array.from({ length: count }, () => how);

describe("a delivery that a replay is the first to claim", () => {
  it("has the sweeper below it where it arrived live, and not in the replay's own generation", () => {
    expect(claimed(undefined, 0, { reopenedBy: "r-1" })).toMatchObject({ replay: "r-1", dueAt: plus(70_000) });
    const own = claimed(undefined, 0, { ...aClaimRequest({ generation: "r-1" }), leaseMs: 10_000, reopenedBy: "r-1" });
    expect(own.replay).toBe("r-1");
    expect(own).not.toHaveProperty("dueAt");
    const { claim } = claimAgainst(undefined, { ...aClaimRequest(), reopenedBy: "r-1" }, "ada", start);
    expect(claim).toMatchObject({ won: true, replay: "r-1" });
    expect(claimed()).not.toHaveProperty("dueAt");
  });
});

describe("a delivery that nobody may ever have wanted", () => {
  const untried = (entry: LedgerEntry, about: Partial<ClaimRequest> = {}) => {
    const { claim } = claimAgainst(
      entry,
      { ...aClaimRequest({ leaseMs: 10_000 }), ...about },
      "eve",
      plus(9 * HOUR_MS),
    );
    return claim.won && claim.untried === true;
  };

  it("is one that was only held, or is only being decided on", () => {
    expect(untried(closed(claimed(), { outcome: "postponed", error: held }))).toBe(true);
    expect(
      untried(through({ outcome: "postponed", error: held }, { outcome: "postponed", error: full }) ?? claimed()),
    ).toBe(true);
    const { claim } = claimAgainst(undefined, aClaimRequest({ because: "undecided" }), "ada", start);
    expect(claim).toMatchObject({ untried: true });
  });

  it("isn't one that was put off for want of room, has failed, or is just begun", () => {
    expect(untried(closed(claimed(), { outcome: "postponed", error: full }))).toBe(false);
    expect(untried(closed(claimed(), { outcome: "failed", error: held }))).toBe(false);
    const failedFirst = closed(claimed(), { outcome: "failed", error });
    expect(untried(closed(claimed(failedFirst, HOUR_MS), { outcome: "postponed", error: held }, HOUR_MS))).toBe(false);
    // A replay that begins it anew has not forgotten that it ran.
    const reopened = claimed(closed(claimed(), { outcome: "dead", error }), HOUR_MS, { reopenedBy: "r-1" });
    expect(untried(closed(reopened, { outcome: "postponed", error: held }, HOUR_MS))).toBe(false);
    expect(claimAgainst(undefined, aClaimRequest(), "ada", start).claim).not.toHaveProperty("untried");
  });

  it("is put off, and no lapse, where its lease ended before any rule was asked", () => {
    const entry = claimed(claimed(undefined, 0, { because: "undecided" }), HOUR_MS, { because: "customer pin" });
    expect(entry).toMatchObject({ lapses: 0, because: "customer pin", since: start });
    expect(entry.attempts).toEqual([
      { attempt: 1, at: plus(HOUR_MS), outcome: "postponed", error: { type: HELD, message: expect.any(String) } },
    ]);
  });

  it("is as old as its last attempt after it was held, and as its first after it found no room", () => {
    const reclaimed = (reason: typeof held) =>
      claimed(closed(claimed(), { outcome: "postponed", error: reason }), HOUR_MS);
    expect([reclaimed(held).since, reclaimed(full).since]).toEqual([plus(HOUR_MS), start]);
    const moved = closed(reclaimed(held), { outcome: "postponed", error: full }, HOUR_MS);
    expect(claimed(moved, 2 * HOUR_MS).since).toEqual(plus(HOUR_MS));
  });
});

describe("the attempts that a delivery remembers", () => {
  const [failed, noRoom] = [
    { outcome: "failed", error },
    { outcome: "postponed", error: full },
  ] as const;

  it("are the last of those in a row that were put off for one reason, and one of each reason", () => {
    expect(notesOf(through(noRoom, noRoom, { outcome: "postponed", error: held }, noRoom, failed, noRoom))).toEqual([
      "2 postponed",
      "3 postponed",
      "4 postponed",
      "5 failed",
      "6 postponed",
    ]);
  });

  it("are eight: the first that ran, and the last ones", () => {
    expect(notesOf(through(...times(8, failed)))).toHaveLength(8);
    expect(notesOf(through(...times(10, failed)))?.slice(0, 2)).toEqual(["1 failed", "4 failed"]);
    // What was put off before the first that ran goes first.
    expect(notesOf(through(noRoom, ...times(8, failed)))?.slice(0, 2)).toEqual(["2 failed", "3 failed"]);
    expect(notesOf(through(noRoom, ...times(9, failed)))?.slice(0, 2)).toEqual(["2 failed", "4 failed"]);
  });
});

it("a close notes what is known of its attempt, and leaves out what isn't", () => {
  const { attempts, error: kept, ...entry } = closed(claimed(), { outcome: "done" }, 5);
  expect(attempts).toStrictEqual([{ attempt: 1, at: plus(5), outcome: "done" }]);
  expect(kept).toBeUndefined();
  expect(Object.values(entry)).not.toContain(undefined);
  const { deliveryKey, attempt } = claimed();
  const about = { executedVersion: "7", durationMs: 0, requestId: "r-1" };
  const told = closeAgainst(claimed(), { deliveryKey, attempt, at: plus(5), outcome: "done", ...about });
  expect(told?.attempts).toStrictEqual([
    { attempt: 1, at: plus(5), outcome: "done", version: "7", durationMs: 0, requestId: "r-1" },
  ]);
});

it("a close keeps what it doesn't say anew, and nothing that was due or wrong before", () => {
  // Every field that there is, so that one that comes to be is seen here.
  const entry: Required<LedgerEntry> = {
    ...(claimed() as Required<LedgerEntry>),
    ...{ failures: 3, lapses: 2, replay: "r-1", executedVersion: "6" },
    ...{ nextAttemptAt: plus(1), dueAt: plus(2), closedAt: plus(3), error },
  };
  const before = { ...entry, attempts: [...entry.attempts] };
  const { deliveryKey, attempt } = entry;
  const { nextAttemptAt: _next, dueAt: _due, error: _error, ...kept } = entry;
  const attempts = [{ attempt, at: plus(5), outcome: "done" }];
  expect(closeAgainst(entry, { deliveryKey, attempt, at: plus(5), outcome: "done" })).toStrictEqual({
    ...{ ...kept, status: "done", closedAt: plus(5), attempts },
  });
  expect(entry).toStrictEqual(before);
});

describe("an error that the ledger keeps", () => {
  const failed = (message: string, stack?: string): How => {
    return { outcome: "failed", error: { type: "Broken", message, ...(stack !== undefined && { stack }) } };
  };

  it("is whole up to its longest, and ends in an ellipsis beyond", () => {
    const kept = (length: number) => through(failed("x".repeat(length)))?.error?.message;
    expect(kept(MAX_ERROR_CHARS)).toBe("x".repeat(256));
    expect(kept(MAX_ERROR_CHARS + 1)).toBe(`${"x".repeat(255)}…`);
  });

  it("has its stack in the last attempt that had one, as far as there is room, and nowhere else", () => {
    const entry = through(failed("one", "at a"), failed("two", "b".repeat(MAX_STACK_CHARS + 1)));
    expect(entry?.attempts.map((one) => one.error)).toEqual([
      { type: "Broken", message: "one" },
      { type: "Broken", message: "two", stack: "b".repeat(1_000) },
    ]);
    expect(entry?.error).toEqual({ type: "Broken", message: "two" });
    const later = through(failed("one", "at a"), failed("two"), failed("three", ""));
    expect(later?.attempts.map((one) => one.error?.stack)).toEqual(["at a", undefined, undefined]);
  });
});

it("a first claim is its owner's, of what nothing was ever tried for", () => {
  const first = claimed(undefined, 0, {}, "ada");
  expect([isFirstClaim(first, "ada"), isFirstClaim(first, "bob")]).toEqual([true, false]);
  expect(isFirstClaim(closed(first, { outcome: "done" }), "ada")).toBe(false);
  const putOff = claimed(closed(first, { outcome: "postponed", error: full }), HOUR_MS, {}, "ada");
  expect(isFirstClaim(putOff, "ada")).toBe(true);
  const lapsed = claimed(first, HOUR_MS, {}, "bob");
  expect(isFirstClaim(lapsed, "bob")).toBe(false);
});

describe("a claim that no message stands for", () => {
  const MINUTE_MS = 60_000;

  it("is due a minute after its lease, and a minute after its backoff", () => {
    const first = claimed(undefined, 0, { unqueued: true });
    expect(first.dueAt).toEqual(plus(10_000 + MINUTE_MS));
    expect("unqueued" in first).toBe(false);
    const failed = closed(first, { outcome: "failed", error });
    expect(failed.dueAt).toEqual(new Date((failed.nextAttemptAt?.getTime() ?? 0) + MINUTE_MS));
  });

  it("stays a message's where one stood for the delivery before", () => {
    expect(claimed(claimed(), HOUR_MS, { unqueued: true }).dueAt).toBeUndefined();
  });
});
