import { describe, expect, it } from "vitest";
import {
  type Claim,
  type Close,
  compareRecords,
  deliveryStatuses,
  isAtRest,
  type LedgerEntry,
} from "../../../shared/domain/deliveries/delivery.ts";
import {
  claimAgainst,
  closeAgainst,
  MAX_ERROR_CHARS,
  wasNeverRun,
} from "../../../shared/domain/deliveries/ledger-rules.ts";
import { aClaimRequest } from "../../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const error = { type: "Timeout", message: "took too long" };

const leaseMs = 10_000;
const request = aClaimRequest({ leaseMs });
const { deliveryKey } = request;

/** The entry after a first claim by `owner`, at the start. */
function claimed(owner = "ada"): LedgerEntry {
  const { entry } = claimAgainst(undefined, request, owner, start);
  if (entry === undefined) throw new Error("the first claim is always won");
  return entry;
}

/** The entry after attempt 1 was closed, a second in. */
function closed(how: Partial<Close> & Pick<Close, "outcome">): LedgerEntry {
  const entry = closeAgainst(claimed(), { deliveryKey, attempt: 1, at: plus(1_000), error, ...how } as Close);
  if (entry === undefined) throw new Error("the newest attempt can always be closed");
  return entry;
}

const failed = () => closed({ outcome: "failed", nextAttemptAt: plus(5_000) });
const postponed = () => closed({ outcome: "postponed", nextAttemptAt: plus(5_000) });

describe("a claim", () => {
  it("a claim of a delivery that nobody has claimed is won, and holds until the lease ends", () => {
    const { claim, entry } = claimAgainst(undefined, request, "ada", start);
    const { t0 } = request;
    const leaseUntil = plus(leaseMs);
    expect(claim).toEqual({ won: true, attempt: 1, failures: 0, lapses: 0, since: start, t0, leaseUntil });
    const { leaseMs: _, ...asked } = request;
    expect(entry).toStrictEqual({
      ...asked,
      status: "claimed",
      attempt: 1,
      failures: 0,
      lapses: 0,
      since: start,
      owner: "ada",
      leaseUntil: plus(leaseMs),
      attempts: [],
    });
  });

  const later = aClaimRequest({
    leaseMs,
    alias: "beta",
    because: "customer pin",
    routingRevision: 9,
    t0: plus(60_000),
  });

  it.each<[string, LedgerEntry, string, number, Claim]>([
    [
      "is recognised when the owner asks again",
      claimed("ada"),
      "ada",
      5_000,
      { won: true, attempt: 1, failures: 0, lapses: 0, since: start, t0: start, leaseUntil: plus(leaseMs) },
    ],
    [
      "is recognised even after its lease has ended, with the lease as it was",
      claimed("ada"),
      "ada",
      20_000,
      { won: true, attempt: 1, failures: 0, lapses: 0, since: start, t0: start, leaseUntil: plus(leaseMs) },
    ],
    [
      "is refused while another holds the lease",
      claimed("ada"),
      "ben",
      leaseMs - 1,
      { won: false, why: "claimed by another", retryAt: plus(leaseMs) },
    ],
    [
      "is refused before the next attempt is due",
      failed(),
      "ben",
      4_999,
      { won: false, why: "not due", retryAt: plus(5_000) },
    ],
    [
      "is refused to the last owner too before it is due",
      failed(),
      "ada",
      4_999,
      { won: false, why: "not due", retryAt: plus(5_000) },
    ],
    ["is refused once it is done", closed({ outcome: "done" }), "ben", 60_000, { won: false, why: "done" }],
    ["is refused once it is dead", closed({ outcome: "dead" }), "ben", 60_000, { won: false, why: "dead" }],
    [
      "is refused once it is rejected",
      { ...claimed(), status: "rejected" },
      "ben",
      60_000,
      { won: false, why: "rejected" },
    ],
    [
      "is refused while its outcome is awaited",
      { ...claimed(), status: "accepted", nextAttemptAt: plus(60_001) },
      "ada",
      60_000,
      { won: false, why: "accepted", retryAt: plus(60_001) },
    ],
  ])("%s", (_title, entry, owner, ms, claim) => {
    expect(claimAgainst(entry, later, owner, plus(ms))).toEqual({ claim, entry: undefined });
  });

  it.each<[string, LedgerEntry]>([
    ["claimed", claimed()],
    ["failed", failed()],
    ["done", closed({ outcome: "done" })],
    ["dead", closed({ outcome: "dead" })],
  ])(
    "a claim with another payload is refused with the hash that came first, on an entry that is %s",
    (_status, entry) => {
      const other = { ...request, payloadHash: "b".repeat(64) };
      expect(claimAgainst(entry, other, "ada", plus(60_000))).toEqual({
        claim: { won: false, why: "payload differs", payloadHash: request.payloadHash },
        entry: undefined,
      });
    },
  );

  it("a claim of a lapsed lease is won by another, and the lapse isn't a failure of the component", () => {
    const { claim, entry } = claimAgainst(claimed("ada"), later, "ben", plus(leaseMs));
    const leaseUntil = plus(2 * leaseMs);
    expect(claim).toEqual({ won: true, attempt: 2, failures: 0, lapses: 1, since: start, t0: start, leaseUntil });
    expect(entry).toMatchObject({
      owner: "ben",
      attempts: [{ attempt: 1, at: plus(leaseMs), outcome: "lease lapsed" }],
    });
  });

  it("a claim of a failed delivery that is due goes where today's routing sends it, and keeps its t0", () => {
    const { claim, entry } = claimAgainst(failed(), later, "ben", plus(5_000));
    expect(claim).toMatchObject({ won: true, attempt: 2, failures: 1, t0: start });
    expect(entry).toMatchObject({
      status: "claimed",
      alias: "beta",
      because: "customer pin",
      routingRevision: 9,
      t0: start,
    });
    expect(entry).not.toHaveProperty("nextAttemptAt");
    expect(entry).not.toHaveProperty("closedAt");
  });

  it("a claim of a postponed delivery is won with no failure counted", () => {
    expect(claimAgainst(postponed(), later, "ben", plus(5_000)).claim).toMatchObject({
      won: true,
      attempt: 2,
      failures: 0,
    });
  });
});

describe("a close", () => {
  it("a close as done puts the delivery at rest with the version that ran", () => {
    const entry = closed({ outcome: "done", executedVersion: "23", durationMs: 42 });
    expect(entry).toMatchObject({ status: "done", failures: 0, executedVersion: "23", closedAt: plus(1_000) });
    expect(entry.attempts).toEqual([
      expect.objectContaining({ attempt: 1, at: plus(1_000), outcome: "done", version: "23", durationMs: 42 }),
    ]);
  });

  it.each([
    ["failed", "failed", 1],
    ["dead", "dead", 1],
    ["postponed", "failed", 0],
  ] as const)("a close as %s leaves it %s with %i failures and the error", (outcome, status, failures) => {
    const entry = closed({ outcome, ...(outcome === "dead" ? {} : { nextAttemptAt: plus(5_000) }) });
    expect(entry).toMatchObject({ status, failures, error });
    expect(entry.attempts).toEqual([{ attempt: 1, at: plus(1_000), outcome, error }]);
  });

  it("notes what the attempt is called in its version's log, where that isn't known by itself", () => {
    const noteOf = (about: { requestId?: string }) => closed({ outcome: "done", ...about }).attempts.at(-1);
    expect(noteOf({ requestId: "r-1" })).toMatchObject({ requestId: "r-1" });
    expect(noteOf({})).not.toHaveProperty("requestId");
  });

  it("a close as done after a failure leaves no error behind", () => {
    const { entry } = claimAgainst(failed(), request, "ben", plus(5_000));
    const done = closeAgainst(entry, { deliveryKey, attempt: 2, at: plus(6_000), outcome: "done" });
    expect(done).toMatchObject({ status: "done", failures: 1 });
    expect(done).not.toHaveProperty("error");
    expect(done).not.toHaveProperty("nextAttemptAt");
  });

  it("still counts when the lease has lapsed and nobody has taken over", () => {
    const late = closeAgainst(claimed(), { deliveryKey, attempt: 1, at: plus(60_000), outcome: "done" });
    expect(late?.status).toBe("done");
  });

  it.each<[string, LedgerEntry | undefined, number]>([
    ["of a delivery that isn't there", undefined, 1],
    ["of an attempt that another has overtaken", claimAgainst(claimed(), request, "ben", plus(leaseMs)).entry, 1],
    ["of an attempt that was never made", claimed(), 2],
    ["of an attempt that failed already", failed(), 1],
    ["of a delivery that is done", closed({ outcome: "done" }), 1],
    ["of a delivery that is dead", closed({ outcome: "dead" }), 1],
    ["of a delivery that is rejected", { ...claimed(), status: "rejected" }, 1],
  ])("%s changes nothing", (_title, entry, attempt) => {
    expect(closeAgainst(entry, { deliveryKey, attempt, at: plus(20_000), outcome: "done" })).toBeUndefined();
  });

  it("keeps the beginning of a long error, never half a character", () => {
    const message = `${"x".repeat(MAX_ERROR_CHARS - 2)}👍${"y".repeat(100_000)}`;
    const entry = closed({ outcome: "dead", error: { type: "Error", message } });
    expect(entry.error?.message).toHaveLength(MAX_ERROR_CHARS);
    expect(entry.error?.message.isWellFormed()).toBe(true);
    expect(JSON.stringify(entry).length).toBeLessThan(2_048);
  });
});

it("a delivery is at rest when done, dead or rejected", () => {
  expect(deliveryStatuses.filter(isAtRest)).toEqual(["done", "dead", "rejected"]);
});

it("a delivery was never run while nothing has become of it but that it was put off", () => {
  const reclaimed = claimAgainst(claimed(), request, "ben", plus(leaseMs)).entry ?? claimed();
  const entries = { claimed: claimed(), postponed: postponed(), failed: failed(), reclaimed };
  expect(Object.entries(entries).map(([name, entry]) => [name, wasNeverRun(entry)])).toEqual([
    ["claimed", true],
    ["postponed", true],
    ["failed", false],
    ["reclaimed", false],
  ]);
});

it("a delivery remembers the first and the last seven of twenty attempts, and counts all of them", () => {
  let entry: LedgerEntry | undefined;
  for (let attempt = 1; attempt <= 20; attempt++) {
    const at = plus(attempt * 1_000);
    entry = claimAgainst(entry, request, `owner ${attempt}`, at).entry;
    entry = closeAgainst(entry, { deliveryKey, attempt, at, outcome: "failed", error, nextAttemptAt: at });
  }
  expect(entry).toMatchObject({ attempt: 20, failures: 20 });
  expect(entry?.attempts.map(({ attempt }) => attempt)).toEqual([1, 14, 15, 16, 17, 18, 19, 20]);
});

it("records are listed by time, place, key and payload, in this order", () => {
  const place = (ms: number, sequence: number | undefined, eventKey: string, payloadHash: string) => {
    return { t0: plus(ms), eventKey, payloadHash, ...(sequence !== undefined && { sequence }) };
  };
  const inOrder = [
    place(0, 9, "z", "z"),
    place(1, undefined, "y", "z"),
    place(1, 0, "z", "a"),
    place(1, 0, "z", "b"),
    place(1, 1, "a", "a"),
    place(2, undefined, "a", "a"),
  ];
  for (const [i, a] of inOrder.entries()) {
    for (const [j, b] of inOrder.entries()) expect(Math.sign(compareRecords(a, b))).toBe(Math.sign(i - j));
  }
});
