import { expect, it } from "vitest";
import type { OutcomeCount } from "../../shared/domain/deliveries/outcome-count.ts";
import { aNewEventStore, anEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { answerLost, dynamodbProxy, refused } from "../support/dynamodb-proxy.ts";

const minute = new Date("2026-11-20T10:00:00.000Z");
const window = { from: minute, to: new Date(minute.getTime() + 60_000) };
const counted: OutcomeCount = { minute, component: "billing", version: "23", outcome: "done", count: 10 };

withDynamoDB("counts of outcomes on DynamoDB", (endpoint) => {
  async function throughProxy() {
    const proxy = await dynamodbProxy(endpoint);
    const { tableName, store: direct } = await aNewEventStore(endpoint);
    return { proxy, direct, ...anEventStore(proxy.endpoint, tableName) };
  }

  it("are added when they were certainly not, and else left to be approximate", async () => {
    const { proxy, direct, store, delays } = await throughProxy();
    proxy.faults("UpdateItem", refused("ThrottlingException"), refused("ProvisionedThroughputExceededException"));
    await store.count([counted]);
    expect(delays).toHaveLength(2);
    proxy.faults("UpdateItem", answerLost);
    await expect(store.count([counted])).rejects.toThrow();
    expect(proxy.counts()).toEqual({ UpdateItem: 4 });
    expect(await direct.counts(window)).toEqual([{ ...counted, count: 20 }]);
  });

  it("counts of a hot minute are spread over four items", async () => {
    const { proxy, store } = await throughProxy();
    await Promise.all(Array.from({ length: 40 }, () => store.count([counted])));
    const shards = proxy.requests("UpdateItem").map(({ Key }) => JSON.stringify(Key));
    expect(new Set(shards).size).toBe(4);
    expect(await store.counts(window)).toEqual([{ ...counted, count: 400 }]);
  });
});
