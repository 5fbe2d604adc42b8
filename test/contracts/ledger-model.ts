import fc from "fast-check";
import { expect } from "vitest";
import type { ClaimRequest, Close, LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst } from "../../shared/domain/deliveries/ledger-rules.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const error = { type: "Timeout", message: "took too long" };

/** An entry that refuses this delivery for good. */
export function rejected(request: ClaimRequest): LedgerEntry {
  const { leaseMs: _, ...asked } = request;
  const refused = { status: "rejected", attempt: 0, failures: 0, lapses: 0, owner: "ada", attempts: [] } as const;
  return { ...asked, ...refused, attempts: [], since: start, leaseUntil: start, closedAt: start, error };
}

export type Scene = { store: EventStore; model: Map<string, LedgerEntry>; requests: readonly ClaimRequest[]; at: Date };
/** `wait`: how much later than the step before, in ms. */
type Step = { wait: number; run: (scene: Scene) => Promise<void> };

const which = fc.nat(2);
const waiting = fc.constantFrom(0, 0, 1, 4_999, 5_000, 9_999, 10_000);

const claimStep = fc
  .record({
    wait: waiting,
    owner: fc.constantFrom("ada", "bob", "cleo"),
    chosen: fc.uniqueArray(which, { minLength: 1 }),
    leaseMs: fc.constantFrom(1, 5_000, 10_000),
    alias: fc.constantFrom("stable", "beta"),
    payloadHash: fc.constantFrom("a".repeat(64), "a".repeat(64), "a".repeat(64), "b".repeat(64)),
    keptMs: fc.constantFrom(20_001, 86_400_000),
    reopenedBy: fc.constantFrom(undefined, undefined, "after-the-outage", "once-more"),
  })
  .map(({ wait, owner, chosen, keptMs, reopenedBy, ...about }): Step => {
    const run = async ({ store, model, requests, at }: Scene) => {
      const expiresAt = new Date(at.getTime() + keptMs);
      const reopening = reopenedBy === undefined ? {} : { reopenedBy };
      const asked = chosen
        .flatMap((n) => requests.slice(n, n + 1))
        .map((request) => ({ ...request, ...about, ...reopening, expiresAt }));
      const expected = asked.map((request) => {
        const { claim, entry } = claimAgainst(model.get(request.deliveryKey), request, owner, at);
        if (entry !== undefined) model.set(request.deliveryKey, entry);
        return claim;
      });
      expect(await store.claim(asked, owner, at)).toStrictEqual(expected);
    };
    return { wait, run };
  });

const closeStep = fc
  .record({
    wait: waiting,
    chosen: fc.uniqueArray(which, { minLength: 1 }),
    behind: fc.constantFrom(0, 0, 0, 1, -1),
    outcome: fc.constantFrom("done", "dead", "failed", "failed", "postponed", "postponed", "accepted", "accepted"),
    dueIn: fc.constantFrom(0, 5_000),
    parked: fc.boolean(),
    version: fc.option(fc.constantFrom("23", "24"), { nil: undefined }),
  })
  .map(({ wait, chosen, behind, outcome, dueIn, parked, version }): Step => {
    const run = async ({ store, model, requests, at }: Scene) => {
      const closes = chosen.map((n): Close => {
        const deliveryKey = requests[n]?.deliveryKey ?? "";
        const attempt = (model.get(deliveryKey)?.attempt ?? 1) - behind;
        const base = { deliveryKey, attempt, at, ...(version === undefined ? {} : { executedVersion: version }) };
        if (outcome === "done") return { ...base, outcome };
        if (outcome === "dead") return { ...base, outcome, error };
        const nextAttemptAt = new Date(at.getTime() + dueIn);
        if (outcome === "accepted") return { ...base, outcome, nextAttemptAt, dueAt: nextAttemptAt };
        return { ...base, outcome, error, nextAttemptAt, ...(parked ? { dueAt: nextAttemptAt } : {}) };
      });
      const expected = closes.map((close) => {
        const entry = closeAgainst(model.get(close.deliveryKey), close);
        if (entry !== undefined) model.set(close.deliveryKey, entry);
        return entry !== undefined;
      });
      expect(await store.close(closes)).toEqual(expected);
    };
    return { wait, run };
  });

const rejectStep = fc.record({ wait: waiting, chosen: which }).map(({ wait, chosen }): Step => {
  const run = async ({ store, model, requests }: Scene) => {
    const entries = requests.slice(chosen, chosen + 1).map(rejected);
    await store.reject(entries);
    for (const entry of entries) if (!model.has(entry.deliveryKey)) model.set(entry.deliveryKey, entry);
  };
  return { wait, run };
});

/** A claim, close or rejection of some of three deliveries, which the store has to answer as the domain does. */
export const ledgerStep = fc.oneof(
  { weight: 6, arbitrary: claimStep },
  { weight: 6, arbitrary: closeStep },
  rejectStep,
);
