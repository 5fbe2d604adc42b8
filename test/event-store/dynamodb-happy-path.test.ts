import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { ClaimRequest, Close, EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import { type CountsToStore, deliveryTally } from "../../shared/domain/health/delivery-tally.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { aClaimRequest } from "../support/builders.ts";
import { aNewEventStore } from "../support/dynamodb-event-store.ts";
import { countRequests, withDynamoDB } from "../support/dynamodb-local.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);

withDynamoDB("the event store's requests", (endpoint) => {
  async function requestsOf(call: (store: EventStore) => Promise<unknown>, before = call) {
    const { store, client } = await aNewEventStore(endpoint);
    if (before !== call) await before(store);
    const requests = countRequests(client);
    await call(store);
    return requests();
  }

  it.each([10, 25])("are one per claim, record, close and count for a batch of %i", async (batch) => {
    const claims = claimsOf(batch);
    const claiming = (store: EventStore) => store.claim(claims, randomUUID(), start);
    expect(await requestsOf(claiming)).toEqual({ BatchExecuteStatement: 1 });
    expect(await requestsOf((store) => store.record(claims.map(aRecord)))).toEqual({ BatchWriteItem: 1 });
    expect(await requestsOf((store) => store.close(claims.map(done)), claiming)).toEqual({ BatchExecuteStatement: 1 });
    const keys = claims.map(({ deliveryKey }) => deliveryKey);
    const claimedByAda = (store: EventStore) => store.claim(claims, "ada", start);
    expect(await requestsOf((store) => store.release(keys, "ada"), claimedByAda)).toEqual({ BatchExecuteStatement: 1 });
    expect(
      await requestsOf((store) =>
        store.count(tallied(Array.from({ length: batch }, (_, n) => ({ version: n === 0 ? "24" : "23" }))), "router-1"),
      ),
    ).toEqual({ BatchWriteItem: 1 });
  });

  it("are one more per 25, and none for nothing", async () => {
    const claims = claimsOf(26);
    const claiming = (store: EventStore) => store.claim(claims, randomUUID(), start);
    expect(await requestsOf(claiming)).toEqual({ BatchExecuteStatement: 2 });
    expect(await requestsOf((store) => store.record(claims.map(aRecord)))).toEqual({ BatchWriteItem: 2 });
    expect(await requestsOf((store) => store.close(claims.map(done)), claiming)).toEqual({ BatchExecuteStatement: 2 });
    const nothing = async (store: EventStore) => {
      await store.claim([], "ada", start);
      await store.close([]);
      await store.record([]);
      await store.count({ spans: [], failures: [] }, "router-1");
      await store.reject([]);
      await store.handOver([], start);
      await store.find([]);
      await store.deliveriesOf([]);
    };
    expect(await requestsOf(nothing)).toEqual({});
  });

  it("are one more to record a batch of which some have come back, and so have no place", async () => {
    const records = claimsOf(10).map(aRecord);
    const again = records.map(({ sequence, ...record }, n) => (n < 3 ? record : { ...record, sequence: n }));
    expect(await requestsOf((store) => store.record(again))).toEqual({ BatchGetItem: 1, BatchWriteItem: 1 });
  });

  it("are one more where something is due later, was accepted, or is somebody else's", async () => {
    const claims = claimsOf(10);
    const claiming = (store: EventStore) => store.claim(claims, "ada", start);
    const accept = claims.map(({ deliveryKey }): Close => {
      const due = { nextAttemptAt: plus(60_000), dueAt: plus(60_000) };
      return { deliveryKey, attempt: 1, at: plus(100), outcome: "accepted", ...due };
    });
    expect(await requestsOf((store) => store.close(accept), claiming)).toEqual({
      BatchWriteItem: 1,
      BatchExecuteStatement: 1,
    });
    const accepting = async (store: EventStore) => {
      await claiming(store);
      await store.close(accept);
    };
    expect(await requestsOf((store) => store.close(claims.map(done)), accepting)).toEqual({
      BatchGetItem: 1,
      BatchExecuteStatement: 1,
    });
    expect(await requestsOf((store) => store.claim(claims, "bob", start), claiming)).toEqual({
      BatchExecuteStatement: 1,
      BatchGetItem: 1,
    });
    // Lapsed: inserted in vain, read, replaced.
    expect(await requestsOf((store) => store.claim(claims, "bob", plus(35_000)), claiming)).toEqual({
      BatchExecuteStatement: 2,
      BatchGetItem: 1,
    });
  });

  it("are one per minute and shard for a window, and one per event for its deliveries", async () => {
    expect(
      await requestsOf((store) => Array.fromAsync(store.records({ from: start, to: plus(300_000) }, start))),
    ).toEqual({
      Query: 5,
    });
    const after = { ...aRecord(aClaimRequest()), t0: plus(210_000) };
    expect(
      await requestsOf((store) =>
        Array.fromAsync(store.records({ from: start, to: plus(300_000) }, start, undefined, after)),
      ),
    ).toEqual({ Query: 2 });
    expect(await requestsOf((store) => store.counts({ from: start, to: plus(300_000) }, "minute"))).toEqual({
      Query: 5,
    });
    expect(await requestsOf((store) => store.deliveriesOf(["a", "b", "a"]))).toEqual({ Query: 2 });
    expect(await requestsOf((store) => store.due(start, 100))).toEqual({ Query: 1 });
    const keys = claimsOf(101).map(({ deliveryKey }) => deliveryKey);
    expect(await requestsOf((store) => store.deliveries(keys.slice(1)))).toEqual({ BatchGetItem: 1 });
    expect(await requestsOf((store) => store.deliveries(keys))).toEqual({ BatchGetItem: 2 });
  });
});

function tallied(deliveries: { version: string }[]): CountsToStore {
  const tally = deliveryTally();
  const attempt = { kind: "first", durationMs: 5 } as const;
  for (const { version } of deliveries) {
    tally.add(start, {
      component: "billing",
      version,
      alias: "stable",
      type: "order placed",
      outcome: "done",
      attempt,
    });
  }
  return tally.take();
}

function claimsOf(count: number): ClaimRequest[] {
  return Array.from({ length: count }, () => aClaimRequest({ idempotencyKey: randomUUID() }));
}

function done({ deliveryKey }: ClaimRequest): Close {
  return { deliveryKey, attempt: 1, at: plus(100), outcome: "done", executedVersion: "23", durationMs: 12.5 };
}

function aRecord({ eventKey, t0, expiresAt }: ClaimRequest): EventRecord {
  const known = { messageId: randomUUID(), id: randomUUID(), source: "shop", detailType: "order placed" };
  const time = t0.toISOString();
  const said = { time, idempotencyKey: known.id, subject: {}, components: [], body: "{}" };
  return { t0, sequence: 1, eventKey, payloadHash: sha256("{}"), ...known, ...said, expiresAt };
}
