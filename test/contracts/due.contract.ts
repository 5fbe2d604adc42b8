import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ClaimRequest, type Close, isAtRest, type LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { aClaimRequest } from "../support/builders.ts";
import type { Opening, OpenStore } from "./event-store.contract.ts";
import { ledgerStep } from "./ledger-model.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const error = { type: "Timeout", message: "took too long" };

/** The part of the event store's contract that is about deliveries that wait until they are due. */
export function describeDueDeliveries(
  name: string,
  openStore: (opening: Opening) => Promise<OpenStore>,
  runs: (usual: number) => { numRuns: number },
): void {
  const openEmpty = () => openStore({ empty: true });

  describe(`deliveries that are due in an event store (${name})`, () => {
    test("come up when their time has come, those due longest first, and no more than asked for", async () => {
      const { store, another } = await openEmpty();
      const keys: string[] = [];
      for (const ms of [7_000, 5_000, 9_000, 6_000]) keys[ms] = await park(store, ms);
      await park(store, undefined);
      const due = async (ms: number, limit = 100) => keysOf(await (await another()).due(plus(ms), limit));
      expect(await due(4_999)).toEqual([]);
      expect(await due(5_000)).toEqual([keys[5_000]]);
      expect(await due(7_999)).toEqual([keys[5_000], keys[6_000], keys[7_000]]);
      expect(await due(99_999, 2)).toEqual([keys[5_000], keys[6_000]]);
      expect(await due(99_999)).toEqual([keys[5_000], keys[6_000], keys[7_000], keys[9_000]]);
    });

    test("are told as the ledger has them, accepted ones too, and looking changes nothing", async () => {
      const { store } = await openEmpty();
      const accepted = await accept(store, 5_000);
      const parked = await park(store, 6_000);
      const entries = await Promise.all([accepted, parked].map((key) => entryOf(store, key)));
      expect(entries.map((entry) => entry?.status)).toEqual(["accepted", "failed"]);
      expect(await store.due(plus(7_000), 100)).toStrictEqual(entries);
      expect(await store.due(plus(7_000), 100)).toStrictEqual(entries);
    });

    test("no longer come up once they are claimed again, settled, closed as dead, or expired", async () => {
      const { store, another } = await openEmpty();
      const keys = [await park(store, 5_000), await accept(store, 5_000), await accept(store, 5_000)] as const;
      const [claimed, settled, dead] = keys;
      const expired = await park(store, 5_000, { expiresAt: plus(9_000) });
      const kept = await park(store, 5_001);
      await (await another()).claim([await requestOf(store, claimed)], "bob", plus(6_000));
      await store.close([
        { deliveryKey: settled, attempt: 1, at: plus(6_000), outcome: "done" },
        { deliveryKey: dead, attempt: 1, at: plus(6_000), outcome: "dead", error },
      ]);
      expect(keysOf(await store.due(plus(8_999), 100))).toEqual([expired, kept]);
      expect(keysOf(await store.due(plus(9_000), 100))).toEqual([kept]);
      expect(keysOf(await store.due(plus(9_000), 100))).toEqual([kept]);
    });

    test("come up at their new time when they are parked again", async () => {
      const { store } = await openEmpty();
      const key = await park(store, 5_000);
      const request = await requestOf(store, key);
      expect(await store.claim([request], "bob", plus(5_000))).toMatchObject([{ won: true, attempt: 2 }]);
      expect(await store.due(plus(5_500), 100)).toEqual([]);
      expect(await store.close([{ ...parking(key, 2, 9_000), at: plus(6_000) }])).toEqual([true]);
      expect(await store.due(plus(8_999), 100)).toEqual([]);
      expect(await store.due(plus(9_000), 100)).toMatchObject([{ deliveryKey: key, attempt: 2, dueAt: plus(9_000) }]);
    });

    test("wait for their new time when they are handed over, the rest of them unchanged", async () => {
      const { store, another } = await openEmpty();
      const [parked, accepted, other] = [
        await park(store, 5_000),
        await accept(store, 5_001),
        await park(store, 5_002),
      ];
      const due = await store.due(plus(6_000), 2);
      expect(keysOf(due)).toEqual([parked, accepted]);
      await store.handOver(due, plus(60_000));
      // One that looked at the same time, and comes second.
      await (await another()).handOver(due, plus(50_000));
      expect(keysOf(await (await another()).due(plus(59_999), 100))).toEqual([other]);
      expect(keysOf(await store.due(plus(60_000), 1))).toEqual([other]);
      const again = (await store.due(plus(60_000), 100)).filter(({ deliveryKey }) => deliveryKey !== other);
      expect(new Set(again)).toEqual(new Set(due.map((entry) => ({ ...entry, dueAt: plus(60_000) }))));
      // The queue's message may still be the one that wins it.
      const request = await requestOf(store, parked);
      expect(await store.claim([request], "bob", plus(7_000))).toMatchObject([{ won: true, attempt: 2 }]);
    });

    test("are left alone by a hand-over that comes too late", async () => {
      const { store } = await openEmpty();
      const [claimed, done, again] = [await park(store, 5_000), await accept(store, 5_001), await park(store, 5_002)];
      const due = await store.due(plus(6_000), 100);
      await store.claim([await requestOf(store, claimed), await requestOf(store, again)], "bob", plus(6_000));
      await store.close([{ deliveryKey: done, attempt: 1, at: plus(6_000), outcome: "done" }]);
      await store.close([{ ...parking(again, 2, 9_000), at: plus(6_500) }]);
      const before = await Promise.all([claimed, done, again].map((key) => entryOf(store, key)));
      await store.handOver(due, plus(60_000));
      expect(await Promise.all([claimed, done, again].map((key) => entryOf(store, key)))).toStrictEqual(before);
      expect(keysOf(await store.due(plus(99_999), 100))).toEqual([again]);
      await store.handOver([], plus(60_000));
    });

    test("are handed over by many at once, each to one time", async () => {
      const { store, another } = await openEmpty();
      const stores = [store, await another()];
      const keys = [];
      for (let n = 0; n < 5; n++) keys.push(await park(store, 5_000 + n));
      const due = await store.due(plus(6_000), 100);
      await Promise.all([60_000, 61_000, 62_000].map((ms, n) => stores[n % 2]?.handOver(due, plus(ms))));
      expect(await store.due(plus(59_999), 100)).toEqual([]);
      expect(keysOf(await store.due(plus(99_999), 100)).sort()).toEqual([...keys].sort());
    });

    test("are all found when there are many", async () => {
      const { store } = await openEmpty();
      const requests = Array.from({ length: 130 }, () => aRequest());
      await store.claim(requests, "ada", start);
      await store.close(requests.map(({ deliveryKey }, n) => parking(deliveryKey, 1, 5_000 + n)));
      const expected = requests.map(({ deliveryKey }) => deliveryKey);
      expect(keysOf(await store.due(plus(6_000), 1_000))).toEqual(expected);
      expect(keysOf(await store.due(plus(6_000), 120))).toEqual(expected.slice(0, 120));
      await store.handOver(await store.due(plus(6_000), 120), plus(60_000));
      expect(keysOf(await store.due(plus(6_000), 1_000))).toEqual(expected.slice(120));
    });

    test("are those whose entries say so, whatever was done", async () => {
      const { store } = await openEmpty();
      await fc.assert(
        fc.asyncProperty(fc.array(ledgerStep, { maxLength: 20 }), fc.boolean(), async (steps, handing) => {
          const requests = Array.from({ length: 3 }, () => aRequest());
          const mine = new Set(requests.map(({ deliveryKey }) => deliveryKey));
          const model = new Map<string, LedgerEntry>();
          let at = start;
          for (const { wait, run } of steps) {
            at = new Date(at.getTime() + wait);
            await run({ store, model, requests, at });
            const due = (await store.due(at, 1_000)).filter(({ deliveryKey }) => mine.has(deliveryKey));
            expect(new Set(due)).toEqual(new Set(dueIn(model, at)));
            if (!handing) continue;
            const until = new Date(at.getTime() + 7_000);
            await store.handOver(due, until);
            for (const entry of due) model.set(entry.deliveryKey, { ...entry, dueAt: until });
          }
          // Nothing is left for the next cases.
          for (const entry of dueIn(model, plus(1e9))) {
            await store.close([{ deliveryKey: entry.deliveryKey, attempt: entry.attempt, at, outcome: "done" }]);
          }
        }),
        runs(60),
      );
    });
  });
}

function dueIn(model: ReadonlyMap<string, LedgerEntry>, now: Date): LedgerEntry[] {
  return [...model.values()].filter(
    ({ status, dueAt, expiresAt }) => !isAtRest(status) && dueAt !== undefined && dueAt <= now && expiresAt > now,
  );
}

function aRequest(about: Partial<ClaimRequest> = {}): ClaimRequest {
  return aClaimRequest({ idempotencyKey: randomUUID(), ...about });
}

/** A delivery that failed and waits until then, or for its message if there is no time. Returns its key. */
async function park(store: EventStore, dueMs: number | undefined, about?: Partial<ClaimRequest>): Promise<string> {
  const request = aRequest(about);
  await store.claim([request], "ada", start);
  const close = parking(request.deliveryKey, 1, dueMs ?? 5_000);
  const { dueAt: _, ...waiting } = close;
  expect(await store.close([dueMs === undefined ? waiting : close])).toEqual([true]);
  return request.deliveryKey;
}

/** A delivery that was accepted, with so long to answer. Returns its key. */
async function accept(store: EventStore, dueMs: number): Promise<string> {
  const request = aRequest();
  await store.claim([request], "ada", start);
  const { deliveryKey } = request;
  const due = { nextAttemptAt: plus(dueMs), dueAt: plus(dueMs) };
  expect(await store.close([{ deliveryKey, attempt: 1, at: plus(100), outcome: "accepted", ...due }])).toEqual([true]);
  return deliveryKey;
}

function parking(deliveryKey: string, attempt: number, dueMs: number): Close & { outcome: "failed" } {
  const due = { nextAttemptAt: plus(dueMs), dueAt: plus(dueMs) };
  return { deliveryKey, attempt, at: plus(100), outcome: "failed", error, ...due };
}

async function entryOf(store: EventStore, deliveryKey: string): Promise<LedgerEntry | undefined> {
  const eventKey = deliveryKey.split("#")[1] ?? "";
  return (await store.deliveriesOf([eventKey])).get(eventKey)?.find((entry) => entry.deliveryKey === deliveryKey);
}

async function requestOf(store: EventStore, deliveryKey: string): Promise<ClaimRequest> {
  const entry = await entryOf(store, deliveryKey);
  if (entry === undefined) throw new Error(`no entry ${deliveryKey}`);
  return aClaimRequest({ eventKey: entry.eventKey });
}

function keysOf(entries: readonly LedgerEntry[]): string[] {
  return entries.map(({ deliveryKey }) => deliveryKey);
}
