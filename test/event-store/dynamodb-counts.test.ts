import { expect, it } from "vitest";
import { deliveryTally } from "../../shared/domain/health/delivery-tally.ts";
import { aNewEventStore, anEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { answerLost, dynamodbProxy, refused } from "../support/dynamodb-proxy.ts";

const minute = new Date("2026-11-20T10:00:00.000Z");
const window = { from: minute, to: new Date(minute.getTime() + 60_000) };

withDynamoDB("counts of deliveries on DynamoDB", (endpoint) => {
  async function throughProxy() {
    const proxy = await dynamodbProxy(endpoint);
    const { tableName, client, store: direct } = await aNewEventStore(endpoint);
    return { proxy, direct, tableName, near: client, ...anEventStore(proxy.endpoint, tableName) };
  }

  function counted(deliveries = 1) {
    const tally = deliveryTally();
    const attempt = { kind: "first", durationMs: 5 } as const;
    const key = { component: "billing", version: "23", alias: "stable", type: "order placed" };
    for (let n = 0; n < deliveries; n++) tally.add(minute, { ...key, outcome: "done", attempt });
    return tally.take();
  }

  it("are tried once where the table is throttled, and are right when they are stored with what comes next", async () => {
    const { proxy, direct, store, delays } = await throughProxy();
    proxy.faults("BatchWriteItem", refused("ThrottlingException"));
    await expect(store.count(counted(), "router-1")).rejects.toThrow("1 try");
    expect(delays).toEqual([]);
    proxy.faults("BatchWriteItem", answerLost);
    await expect(store.count(counted(2), "router-1")).rejects.toThrow();
    await store.count(counted(3), "router-1");
    expect((await direct.counts(window, "minute")).counts).toMatchObject([{ firsts: 3 }]);
  });

  it("of before layout 3, an attribute for each, are read beside today's", async () => {
    const { direct, near, tableName } = await throughProxy();
    const { PutCommand } = await import("@aws-sdk/lib-dynamodb");
    const key = { pk: "c#2026-11-20T10:00", sk: "3", expires: 1_797_760_800 };
    await near.send(
      new PutCommand({ TableName: tableName, Item: { ...key, "billing#done#a#b": 3, "billing#dead#": 1 } }),
    );
    await direct.count(counted(), "router-1");
    const { counts } = await direct.counts(window, "minute");
    expect(counts.map(({ version, firsts, outcomes }) => [version, firsts, [...outcomes]])).toEqual([
      ["", 0, [["dead", 1]]],
      ["23", 1, [["done", 1]]],
      ["a#b", 0, [["done", 3]]],
    ]);
  });
});
