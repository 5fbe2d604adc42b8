import { PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
import { sha256 } from "../../shared/domain/hash.ts";
import { LAYOUT, NewerLayout } from "../../shared/domain/layout.ts";
import { dynamodbLaptopStore } from "../../shared/laptop-store/dynamodb-laptop-store.ts";
import { dynamodbReplayStore } from "../../shared/replay-store/dynamodb-replay-store.ts";
import { dynamodbWatchStore } from "../../shared/watch-store/dynamodb-watch-store.ts";
import { aLease, anItem } from "../contracts/laptop-store.contract.ts";
import { aWatch } from "../contracts/watch-store.contract.ts";
import { aReplay } from "../support/any-replay.ts";
import { aClaimRequest } from "../support/builders.ts";
import { aNewEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { ARRIVED, aRecord } from "../support/stored-events.ts";

const hour = { from: ARRIVED, to: new Date(ARRIVED.getTime() + 3_600_000) };

withDynamoDB("the layout of what is in the event table", (endpoint) => {
  /** A record, a delivery of it, a replay, a watch, a lease and what waits for it, whose items then say that layout; undefined: none. */
  async function itemsOf(layout: number | undefined) {
    const { store, client, tableName } = await aNewEventStore(endpoint);
    const retry = { maxAttempts: 3, baseDelayMs: 1, maxDelayMs: 1 };
    const about = { retry, random: () => 0.5, delay: async () => {}, newId: () => "change-1" };
    const replays = dynamodbReplayStore({ ...about, client, tableName });
    const watches = dynamodbWatchStore({ ...about, client, tableName });
    const laptops = dynamodbLaptopStore({ ...about, client, tableName });
    const claim = aClaimRequest({ idempotencyKey: "order-1" });
    await store.record([aRecord({ eventKey: claim.eventKey, payloadHash: sha256("{}") })]);
    await store.claim([claim], "owner-1", ARRIVED);
    await replays.create(aReplay({ name: "again" }));
    await watches.put(aWatch());
    await laptops.putLease(aLease());
    await laptops.deliver(anItem());
    const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName }));
    for (const { v: _, ...item } of Items) {
      const Item = { ...item, ...(layout === undefined ? {} : { v: layout }) };
      await client.send(new PutCommand({ TableName: tableName, Item }));
    }
    return { store, replays, watches, laptops, claim, written: Items.map(({ v }) => v) };
  }

  it("is said by each item", async () => {
    expect((await itemsOf(undefined)).written).toEqual(Array.from({ length: 6 }, () => LAYOUT));
  });

  it("what is in the event table without a number is read as it is", async () => {
    const { store, replays, watches, laptops, claim } = await itemsOf(undefined);
    expect((await Array.fromAsync(store.records(hour, ARRIVED))).flat()).toHaveLength(1);
    expect(await store.deliveries([claim.deliveryKey])).toMatchObject([{ status: "claimed" }]);
    expect(await replays.get("again")).toMatchObject({ name: "again" });
    expect(await watches.watches()).toHaveLength(1);
    expect(await laptops.leases()).toHaveLength(1);
    expect(await laptops.inbox(anItem(), 10)).toHaveLength(1);
  });

  it("what is in the event table that is newer is refused by whoever reads it", async () => {
    const { store, replays, watches, laptops, claim } = await itemsOf(LAYOUT + 1);
    await expect(Array.fromAsync(store.records(hour, ARRIVED))).rejects.toThrow(NewerLayout);
    await expect(store.deliveries([claim.deliveryKey])).rejects.toThrow(NewerLayout);
    await expect(store.claim([claim], "owner-2", ARRIVED)).rejects.toThrow(NewerLayout);
    await expect(replays.get("again")).rejects.toThrow(/of the event table has layout \d+; .* Use the newer Turnout\./);
    await expect(watches.watches()).rejects.toThrow(NewerLayout);
    await expect(laptops.leases()).rejects.toThrow(NewerLayout);
    for (const _ of [1, 2]) await expect(laptops.inbox(anItem(), 10)).rejects.toThrow(NewerLayout);
  });
});
