import { PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
import { sha256 } from "../../shared/domain/hash.ts";
import { LAYOUT, NewerLayout } from "../../shared/domain/layout.ts";
import { dynamodbReplayStore } from "../../shared/replay-store/dynamodb-replay-store.ts";
import { aReplay } from "../support/any-replay.ts";
import { aClaimRequest } from "../support/builders.ts";
import { aNewEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { ARRIVED, aRecord } from "../support/stored-events.ts";

const hour = { from: ARRIVED, to: new Date(ARRIVED.getTime() + 3_600_000) };

withDynamoDB("the layout of what is in the event table", (endpoint) => {
  /** A record, a delivery of it and a replay, whose items then say that layout; undefined: none. */
  async function itemsOf(layout: number | undefined) {
    const { store, client, tableName } = await aNewEventStore(endpoint);
    const retry = { maxAttempts: 3, baseDelayMs: 1, maxDelayMs: 1 };
    const about = { retry, random: () => 0.5, delay: async () => {}, newId: () => "change-1" };
    const replays = dynamodbReplayStore({ ...about, client, tableName });
    const claim = aClaimRequest({ idempotencyKey: "order-1" });
    await store.record([aRecord({ eventKey: claim.eventKey, payloadHash: sha256("{}") })]);
    await store.claim([claim], "owner-1", ARRIVED);
    await replays.create(aReplay({ name: "again" }));
    const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName }));
    for (const { v: _, ...item } of Items) {
      const Item = { ...item, ...(layout === undefined ? {} : { v: layout }) };
      await client.send(new PutCommand({ TableName: tableName, Item }));
    }
    return { store, replays, claim, written: Items.map(({ v }) => v) };
  }

  it("is said by each item", async () => {
    expect((await itemsOf(undefined)).written).toEqual([LAYOUT, LAYOUT, LAYOUT]);
  });

  it("what is in the event table without a number is read as it is", async () => {
    const { store, replays, claim } = await itemsOf(undefined);
    expect((await Array.fromAsync(store.records(hour, ARRIVED))).flat()).toHaveLength(1);
    expect(await store.deliveries([claim.deliveryKey])).toMatchObject([{ status: "claimed" }]);
    expect(await replays.get("again")).toMatchObject({ name: "again" });
  });

  it("what is in the event table that is newer is refused by whoever reads it", async () => {
    const { store, replays, claim } = await itemsOf(LAYOUT + 1);
    await expect(Array.fromAsync(store.records(hour, ARRIVED))).rejects.toThrow(NewerLayout);
    await expect(store.deliveries([claim.deliveryKey])).rejects.toThrow(NewerLayout);
    await expect(store.claim([claim], "owner-2", ARRIVED)).rejects.toThrow(NewerLayout);
    await expect(replays.get("again")).rejects.toThrow(/of the event table has layout \d+; .* Use the newer Turnout\./);
  });
});
