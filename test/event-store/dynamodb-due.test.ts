import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
import type { ClaimRequest, Close, LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { ONE_SHARD, type ShardSchedule } from "../../shared/domain/deliveries/shard-schedule.ts";
import { dueKey } from "../../shared/event-store/dynamodb-event-requests.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { readOnly, servedOnly, statementRefused, statementServedBut } from "../support/batch-faults.ts";
import { aClaimRequest } from "../support/builders.ts";
import { type AboutStore, aNewEventStore, anEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { answerLost, dynamodbProxy, type Fault, refused, requestLost } from "../support/dynamodb-proxy.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const HOUR_MS = 3_600_000;
const error = { type: "Timeout", message: "took too long" };

let events = 0;
function aClaim(): ClaimRequest {
  events += 1;
  return aClaimRequest({ idempotencyKey: `due ${events}`, leaseMs: 10_000 });
}

function parking({ deliveryKey }: ClaimRequest, dueMs = 60_000, attempt = 1): Close {
  const due = { nextAttemptAt: plus(dueMs), dueAt: plus(dueMs) };
  return { deliveryKey, attempt, at: plus(1_000), outcome: "failed", error, ...due };
}

async function park(store: EventStore, dueMs?: number): Promise<ClaimRequest> {
  const request = aClaim();
  await store.claim([request], "ada", start);
  await store.close([parking(request, dueMs)]);
  return request;
}

async function entryOf(store: EventStore, { eventKey }: ClaimRequest): Promise<LedgerEntry | undefined> {
  return (await store.deliveriesOf([eventKey])).get(eventKey)?.[0];
}

withDynamoDB("due deliveries on DynamoDB", (endpoint) => {
  async function throughProxy(about?: AboutStore) {
    const proxy = await dynamodbProxy(endpoint);
    const { tableName, store: direct } = await aNewEventStore(endpoint, about);
    const { store, delays } = anEventStore(proxy.endpoint, tableName, about);
    return { proxy, direct, store, delays };
  }

  /** How many items `due` looks at by that time. */
  async function itemsOn(
    { proxy, store }: { proxy: Awaited<ReturnType<typeof dynamodbProxy>>; store: EventStore },
    ms: number,
  ) {
    let items = 0;
    proxy.faults("Query", async (forward) => {
      const answer = await forward();
      items += (JSON.parse(answer.body) as { Items: unknown[] }).Items.length;
      return answer;
    });
    await store.due(plus(ms), 100);
    return items;
  }

  it("are on their shard before their entry says so, so that no crash can lose them", async () => {
    const { proxy, store } = await throughProxy();
    const request = aClaim();
    await store.claim([request], "ada", start);
    proxy.faults("BatchExecuteStatement", ...Array.from({ length: 20 }, () => requestLost));
    await expect(store.close([parking(request)])).rejects.toThrow(/didn't serve/);
    expect(proxy.counts()).toMatchObject({ BatchWriteItem: 1, BatchExecuteStatement: 21 });
    // It waits for its lease: it isn't due, and its item is kept in case that the close is still under way.
    expect(await store.due(plus(60_000), 100)).toEqual([]);
    expect(await store.close([parking(request)])).toEqual([true]);
    expect(await store.due(plus(60_000), 100)).toMatchObject([{ deliveryKey: request.deliveryKey }]);
  });

  it.each([
    ["missing", "REMOVE a", {}],
    ["of another kind", "SET a = :a", { ":a": ["1"] }],
  ])("are found, and what is left over is removed, where an item's attempt is %s", async (_, change, values) => {
    const { store, client, tableName } = await aNewEventStore(endpoint);
    const [waits, ended] = [await park(store), await park(store)];
    for (const { deliveryKey } of [waits, ended]) {
      const Key = dueKey({ deliveryKey, dueAt: plus(60_000) }, ONE_SHARD);
      const UpdateExpression = change;
      const more = Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values };
      await client.send(new UpdateCommand({ TableName: tableName, Key, UpdateExpression, ...more }));
    }
    await store.claim([ended], "bob", plus(60_000));
    await store.close([{ deliveryKey: ended.deliveryKey, attempt: 2, at: plus(60_001), outcome: "done" }]);
    for (let look = 0; look < 2; look++) {
      const due = await store.due(plus(60_000), 100);
      expect(due.map(({ deliveryKey }) => deliveryKey)).toEqual([waits.deliveryKey]);
    }
  });

  it("are found when their close arrives after the sweeper has seen their item", async () => {
    const { proxy, direct, store } = await throughProxy();
    const request = aClaim();
    await store.claim([request], "ada", start);
    proxy.faults("BatchExecuteStatement", async (forward) => {
      expect(await direct.due(plus(60_000 + HOUR_MS - 1), 100)).toEqual([]);
      return forward();
    });
    expect(await store.close([parking(request)])).toEqual([true]);
    expect(await direct.due(plus(60_000), 100)).toHaveLength(1);
  });

  it.each<[string, (store: EventStore, request: ClaimRequest) => Promise<unknown>, number]>([
    ["a newer attempt has begun", (store, request) => store.claim([request], "bob", plus(60_000)), 60_000],
    [
      "it is at rest",
      async (store, request) => {
        await store.claim([request], "bob", plus(60_000));
        await store.close([{ deliveryKey: request.deliveryKey, attempt: 2, at: plus(61_000), outcome: "done" }]);
      },
      60_000,
    ],
    ["its entry has expired", async () => {}, Date.parse("2027-01-17T10:00:00.000Z") - start.getTime()],
  ])("leave nothing behind once %s", async (_, happens, ms) => {
    const opened = await throughProxy();
    await happens(opened.store, await park(opened.store));
    expect(await itemsOn(opened, ms)).toBe(1);
    expect(await itemsOn(opened, ms)).toBe(0);
  });

  it("leave an item alone that their entry doesn't agree with, until no close can come any more", async () => {
    const opened = await throughProxy();
    const { proxy, store } = opened;
    const request = aClaim();
    await store.claim([request], "ada", start);
    proxy.faults("BatchExecuteStatement", ...Array.from({ length: 20 }, () => requestLost));
    await expect(store.close([parking(request)])).rejects.toThrow(/didn't serve/);
    expect(await itemsOn(opened, 60_000)).toBe(1);
    expect(await itemsOn(opened, 60_000 + HOUR_MS - 1)).toBe(1);
    expect(await itemsOn(opened, 60_000 + HOUR_MS)).toBe(1);
    expect(await itemsOn(opened, 60_000 + HOUR_MS)).toBe(0);
  });

  it("due deliveries that are claimed again are on their shard before the claim says so", async () => {
    const { proxy, direct, store } = await throughProxy({ maxAttempts: 1 });
    const request = await park(direct);
    const reclaim = (through: EventStore) => through.claim([request], "bob", plus(60_000));
    proxy.faults("BatchExecuteStatement", (forward) => forward(), requestLost);
    await expect(reclaim(store)).rejects.toThrow(/didn't serve/);
    expect(await direct.due(plus(60_000), 100)).toMatchObject([{ deliveryKey: request.deliveryKey, attempt: 1 }]);
    expect(await reclaim(store)).toMatchObject([{ won: true, attempt: 2 }]);
    const { dueAt } = (await entryOf(direct, request)) ?? {};
    if (dueAt === undefined) throw new Error("a claim of a parked delivery has no net below it");
    expect(await direct.due(new Date(dueAt.getTime() - 1), 100)).toEqual([]);
    expect(await direct.due(dueAt, 100)).toMatchObject([{ status: "claimed", attempt: 2, dueAt }]);
  });

  const troubles: [string, string, Fault[]][] = [
    ["the new item's answer is lost", "BatchWriteItem", [answerLost]],
    ["the new items are handed back", "BatchWriteItem", [servedOnly(1), servedOnly(0)]],
    ["the move is throttled", "BatchExecuteStatement", [statementRefused(0, "ThrottlingError")]],
    ["the move's answer is lost", "BatchExecuteStatement", [answerLost]],
    ["the move is in doubt", "BatchExecuteStatement", [statementServedBut(1, "InternalServerError")]],
    ["the removal is lost", "BatchExecuteStatement", [(forward) => forward(), requestLost]],
    ["the removal's answer is lost", "BatchExecuteStatement", [(forward) => forward(), answerLost]],
  ];

  it.each(troubles)("are handed over all the same when %s", async (_, operation, faults) => {
    const { proxy, direct, store } = await throughProxy();
    const requests = [await park(direct, 60_000), await park(direct, 60_001)];
    const due = await store.due(plus(61_000), 100);
    expect(due).toHaveLength(2);
    proxy.faults(operation, ...faults);
    await store.handOver(due, plus(900_000));
    for (const request of requests) expect((await entryOf(direct, request))?.dueAt).toEqual(plus(900_000));
    expect(await direct.due(plus(899_999), 100)).toEqual([]);
    expect(new Set((await direct.due(plus(900_000), 100)).map(({ deliveryKey }) => deliveryKey))).toEqual(
      new Set(requests.map(({ deliveryKey }) => deliveryKey)),
    );
  });

  it.each<[string, string, number]>([
    ["before the new item", "BatchWriteItem", 0],
    ["between the new item and the move", "BatchExecuteStatement", 0],
    ["between the move and the removal", "BatchExecuteStatement", 1],
  ])("are lost by no crash %s", async (_, operation, passing) => {
    const { proxy, direct, store } = await throughProxy({ maxAttempts: 1 });
    const request = await park(direct);
    const pass: Fault = (forward) => forward();
    const due = await store.due(plus(61_000), 100);
    proxy.faults(operation, ...Array.from({ length: passing }, () => pass), requestLost);
    await expect(store.handOver(due, plus(900_000))).rejects.toThrow(/didn't serve/);
    const soon = await direct.due(plus(61_000), 100);
    expect(soon).toHaveLength(passing === 1 ? 0 : 1);
    expect(await direct.due(plus(900_000), 100)).toMatchObject([{ deliveryKey: request.deliveryKey }]);
  });

  it("are read consistently from every shard, also from those of an earlier number", async () => {
    const dueShards: ShardSchedule = [
      { from: new Date(0), shards: 5 },
      { from: plus(60_010), shards: 2 },
    ];
    const { proxy, direct, store } = await throughProxy({ dueShards });
    const parked: string[] = [];
    for (let n = 0; n < 20; n++) parked.push((await park(direct, 60_000 + n)).deliveryKey);
    proxy.faults("BatchGetItem", readOnly(1), requestLost);
    proxy.faults("Query", refused("ThrottlingException"));
    const due = await store.due(plus(60_100), 100);
    expect(due.map(({ deliveryKey }) => deliveryKey)).toEqual(parked);
    expect(proxy.requests("Query").every(({ ConsistentRead }) => ConsistentRead === true)).toBe(true);
    expect(proxy.counts().Query).toBe(5 + 1);
    expect((await store.due(plus(60_100), 7)).map(({ deliveryKey }) => deliveryKey)).toEqual(parked.slice(0, 7));
    await store.handOver(due, plus(900_000));
    expect(await store.due(plus(60_100), 100)).toEqual([]);
    expect(await store.due(plus(900_000), 100)).toHaveLength(20);
  });
});
