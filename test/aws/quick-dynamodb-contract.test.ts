import { setTimeout as delay } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { quickDynamoDB } from "../../shared/aws/quick-dynamodb.ts";
import { dynamodbEventStore } from "../../shared/event-store/dynamodb-event-store.ts";
import { describeEventStore, type Opening, type OpenStore } from "../contracts/event-store.contract.ts";
import { memoryBodyStore } from "../support/dynamodb-event-store.ts";
import { createTable, dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";

withDynamoDB("the event store on a quick client", (endpoint) => {
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
    const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
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

  describeEventStore("DynamoDB Local, quickly", open, 0.05);
});
