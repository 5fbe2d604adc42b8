import { setTimeout as delay } from "node:timers/promises";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { dynamodbEventStore } from "../../shared/event-store/dynamodb-event-store.ts";
import { entryKey } from "../../shared/event-store/entry-codec.ts";
import { aNewEventStore, anEventStore, memoryBodyStore } from "../support/dynamodb-event-store.ts";
import { createTable, dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";
import { describeDamagedEntries } from "./damaged-entries.contract.ts";
import { describeEventStore, type Opening, type OpenStore } from "./event-store.contract.ts";

withDynamoDB("the event store on DynamoDB", (endpoint) => {
  const shared = { name: undefined as Promise<string> | undefined };

  const open = async ({ empty }: Opening): Promise<OpenStore> => {
    const clients = [dynamodbClient(endpoint), dynamodbClient(endpoint)] as const;
    if (empty) shared.name = undefined;
    shared.name ??= createTable(clients[0]);
    const tableName = await shared.name;
    const bodies = memoryBodyStore();
    const [store, other] = clients.map((client) =>
      dynamodbEventStore({
        client,
        tableName,
        retry: { maxAttempts: 20, baseDelayMs: 10, maxDelayMs: 200 },
        random: Math.random,
        delay,
        recordShards: [{ from: new Date(0), shards: 3 }],
        dueShards: [{ from: new Date(0), shards: 2 }],
        bodies,
      }),
    );
    if (store === undefined || other === undefined) throw new Error("no store");
    return {
      store,
      another: async () => other,
      close: async () => {
        for (const client of clients) client.destroy();
      },
    };
  };

  describeEventStore("DynamoDB Local", open, 0.2);

  describeDamagedEntries("DynamoDB Local", async () => {
    const { tableName, client, store } = await aNewEventStore(endpoint);
    return {
      store,
      another: async () => anEventStore(endpoint, tableName).store,
      damage: async (deliveryKey, e) => {
        const Key = entryKey(deliveryKey);
        const to = { UpdateExpression: "SET e = :e", ExpressionAttributeValues: { ":e": e } };
        await client.send(new UpdateCommand({ TableName: tableName, Key, ...to }));
      },
    };
  });
});
