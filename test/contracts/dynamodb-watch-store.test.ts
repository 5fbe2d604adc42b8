import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it, onTestFinished } from "vitest";
import { dynamodbWatchStore } from "../../shared/watch-store/dynamodb-watch-store.ts";
import { createTable, dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";
import { answerLost, dynamodbProxy } from "../support/dynamodb-proxy.ts";
import { aWatch, describeWatchStore } from "./watch-store.contract.ts";

withDynamoDB("the watch store on DynamoDB", (endpoint) => {
  const retry = { maxAttempts: 20, baseDelayMs: 10, maxDelayMs: 200 };
  const about = { retry, random: Math.random, delay, newId: randomUUID };

  describeWatchStore("DynamoDB Local", async () => {
    const clients = [dynamodbClient(endpoint), dynamodbClient(endpoint)] as const;
    const tableName = await createTable(clients[0]);
    return {
      store: dynamodbWatchStore({ ...about, client: clients[0], tableName }),
      another: async () => dynamodbWatchStore({ ...about, client: clients[1], tableName }),
      async damage({ component, alias, version }, text) {
        const change = { UpdateExpression: "SET #text = :text", ExpressionAttributeNames: { "#text": "text" } };
        const Key = { pk: "watches", sk: `${component}#${alias}#${version}` };
        const values = { ExpressionAttributeValues: { ":text": text } };
        await clients[0].send(new UpdateCommand({ TableName: tableName, Key, ...change, ...values }));
      },
      close: async () => {
        for (const client of clients) client.destroy();
      },
    };
  });

  it("a change whose answer was lost is known when it is asked for again", async () => {
    const proxy = await dynamodbProxy(endpoint);
    const [client, direct] = [dynamodbClient(proxy.endpoint), dynamodbClient(endpoint)];
    onTestFinished(() => {
      for (const one of [client, direct]) one.destroy();
    });
    const tableName = await createTable(direct);
    proxy.faults("PutItem", answerLost);
    const store = dynamodbWatchStore({ ...about, client, tableName });
    const first = await store.put(aWatch());
    expect(first).toMatchObject({ lock: 1 });
    expect(await store.watches()).toStrictEqual([first]);
  });
});
