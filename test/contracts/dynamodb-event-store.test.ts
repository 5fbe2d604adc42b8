import { setTimeout as delay } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { quickDynamoDB } from "../../shared/aws/quick-dynamodb.ts";
import { dynamodbEventStore } from "../../shared/event-store/dynamodb-event-store.ts";
import { entryKey } from "../../shared/event-store/entry-codec.ts";
import { aNewEventStore, anEventStore, memoryBodyStore } from "../support/dynamodb-event-store.ts";
import { createTable, credentials, dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";
import { describeDamagedEntries } from "./damaged-entries.contract.ts";
import { describeEventStore, type Opening, type OpenStore } from "./event-store.contract.ts";

/** On the client that Turnout's functions have; `test/aws/quick-dynamodb.test.ts` shows that the SDK's says the same. */
withDynamoDB("the event store on DynamoDB", (endpoint) => {
  let shared: Promise<string> | undefined;

  async function newTable(): Promise<string> {
    const client = dynamodbClient(endpoint);
    const name = await createTable(client);
    client.destroy();
    return name;
  }

  const open = async ({ empty }: Opening): Promise<OpenStore> => {
    if (empty) shared = undefined;
    shared ??= newTable();
    const tableName = await shared;
    const bodies = memoryBodyStore();
    const clients = [1, 2].map(
      () => new DynamoDBClient({ endpoint, region: "eu-west-1", credentials, maxAttempts: 1 }),
    );
    const [store, other] = clients.map((client) =>
      dynamodbEventStore({
        client: quickDynamoDB(client),
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

  describeEventStore("DynamoDB Local", open, 0.1);

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
