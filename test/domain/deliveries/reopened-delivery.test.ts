import { describe, expect, it } from "vitest";
import { type DeliveryStatus, deliveryStatuses, type LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst } from "../../../shared/domain/deliveries/ledger-rules.ts";
import { aClaimRequest } from "../../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const leaseMs = 10_000;
const request = aClaimRequest({ leaseMs });
const reopening = {
  ...request,
  reopenedBy: "replay-1",
  alias: "beta",
  because: "replay destination",
  routingRevision: 9,
} as const;
const { deliveryKey } = request;
const error = { type: "Broken", message: "it broke" };

/** Given up after the third of its attempts. */
function dead(about: Partial<LedgerEntry> = {}): LedgerEntry {
  const { entry } = claimAgainst(undefined, { ...request, ...about }, "ada", start);
  const given = { ...entry, attempt: 3, failures: 2, lapses: 1, ...about } as LedgerEntry;
  const closed = closeAgainst(given, { deliveryKey, attempt: 3, at: plus(1_000), outcome: "dead", error });
  if (closed === undefined) throw new Error("the newest attempt can always be closed");
  return closed;
}

const at = plus(60_000);
const reopened = (entry = dead(), by = "replay-1", when = at) =>
  claimAgainst(entry, { ...reopening, reopenedBy: by }, "bob", when);

describe("a dead delivery that a replay reopens", () => {
  it("is claimed as if nothing had been tried before, under the next number", () => {
    const { claim, entry } = reopened();
    const won = { attempt: 4, failures: 0, lapses: 0, since: at, t0: request.t0, leaseUntil: plus(70_000) };
    expect(claim).toEqual({ won: true, ...won, replay: "replay-1" });
    expect(entry).toMatchObject({
      ...won,
      status: "claimed",
      owner: "bob",
      alias: "beta",
      because: "replay destination",
    });
    expect(entry).toMatchObject({
      routingRevision: 9,
      generation: "live",
      attempts: [{ attempt: 3, outcome: "dead" }],
    });
    expect(entry).not.toHaveProperty("reopenedBy");
    expect(entry).not.toHaveProperty("closedAt");
  });

  it("can't be closed by an attempt of before", () => {
    const { entry } = reopened();
    expect(closeAgainst(entry, { deliveryKey, attempt: 3, at, outcome: "done" })).toBeUndefined();
    expect(closeAgainst(entry, { deliveryKey, attempt: 4, at, outcome: "done" })).toMatchObject({
      status: "done",
      replay: "replay-1",
    });
  });

  it("has the sweeper for a net where it arrived live; a replay sees to its own", () => {
    expect(reopened().entry).toMatchObject({ dueAt: plus(70_000 + 60_000) });
    const own = aClaimRequest({ generation: "replay-0" });
    const { entry } = reopened(dead({ generation: "replay-0", deliveryKey: own.deliveryKey }));
    expect(entry).toMatchObject({ status: "claimed", generation: "replay-0" });
    expect(entry?.dueAt).toBeUndefined();
  });

  it("is reopened once by a replay, and once more by another", () => {
    const { entry } = reopened();
    const again = closeAgainst(entry, { deliveryKey, attempt: 4, at, outcome: "dead", error });
    expect(reopened(again).claim).toEqual({ won: false, why: "dead" });
    expect(reopened(again, "replay-2")).toMatchObject({
      claim: { won: true, attempt: 5, replay: "replay-2" },
      entry: { replay: "replay-2" },
    });
  });

  it("is the claimer's own when the answer was lost and the request came again", () => {
    const { claim, entry } = reopened();
    expect(claimAgainst(entry, reopening, "bob", plus(61_000))).toEqual({ claim, entry: undefined });
    expect(claimAgainst(entry, reopening, "eve", plus(61_000)).claim).toMatchObject({ why: "claimed by another" });
  });

  it("comes back as one that this replay has reopened when its lease lapses", () => {
    const { entry } = reopened();
    const { claim } = claimAgainst(entry, request, "eve", plus(70_000));
    expect(claim).toMatchObject({ won: true, attempt: 5, lapses: 1, since: at, replay: "replay-1" });
  });
});

describe("a delivery that waits for its next attempt", () => {
  const waiting = (): LedgerEntry => {
    const { entry } = claimAgainst(undefined, request, "ada", start);
    const close = { deliveryKey, attempt: 1, at: plus(1_000), error, nextAttemptAt: plus(3_600_000) };
    return closeAgainst(entry, { ...close, outcome: "failed", dueAt: plus(3_600_000) }) as LedgerEntry;
  };

  it("is reopened before its time", () => {
    expect(reopened(waiting())).toMatchObject({
      claim: { won: true, attempt: 2, failures: 0 },
      entry: { dueAt: plus(130_000) },
    });
    expect(reopened(waiting()).entry?.nextAttemptAt).toBeUndefined();
  });

  it("isn't claimed before its time by anybody else", () => {
    expect(claimAgainst(waiting(), request, "bob", at).claim).toMatchObject({ won: false, why: "parked" });
  });
});

it.each<[DeliveryStatus, boolean]>(
  deliveryStatuses.map((status) => [status, status === "dead" || status === "failed"]),
)("what is %s is reopened: %s", (status, isReopened) => {
  const entry = { ...dead(), leaseUntil: plus(100_000), nextAttemptAt: plus(100_000), status };
  expect(reopened(entry).claim.won).toBe(isReopened);
});

it("never reopens what another payload has used the key for", () => {
  const answer = claimAgainst(dead(), { ...reopening, payloadHash: "b".repeat(64) }, "bob", at);
  expect(answer.claim).toMatchObject({ won: false, why: "payload differs" });
});
