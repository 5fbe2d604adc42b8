import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it, onTestFinished } from "vitest";
import { dynamodbLaptopStore } from "../../shared/laptop-store/dynamodb-laptop-store.ts";
import { createTable, dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";
import { answerLost, dynamodbProxy } from "../support/dynamodb-proxy.ts";
import { aLease, describeLaptopStore } from "./laptop-store.contract.ts";

withDynamoDB("the laptop store on DynamoDB", (endpoint) => {
  const retry = { maxAttempts: 20, baseDelayMs: 10, maxDelayMs: 200 };
  const about = { retry, random: Math.random, delay, newId: randomUUID };

  async function damage(client: DynamoDBDocumentClient, tableName: string, Key: object, text: string): Promise<void> {
    const change = { UpdateExpression: "SET #text = :text", ExpressionAttributeNames: { "#text": "text" } };
    const values = { ExpressionAttributeValues: { ":text": text } };
    await client.send(new UpdateCommand({ TableName: tableName, Key: { ...Key }, ...change, ...values }));
  }

  describeLaptopStore("DynamoDB Local", async () => {
    const clients = [dynamodbClient(endpoint), dynamodbClient(endpoint)] as const;
    const tableName = await createTable(clients[0]);
    return {
      store: dynamodbLaptopStore({ ...about, client: clients[0], tableName }),
      another: async () => dynamodbLaptopStore({ ...about, client: clients[1], tableName }),
      damageLease: ({ component, alias }, text) =>
        damage(clients[0], tableName, { pk: "laptops", sk: `${component}#${alias}` }, text),
      damageItem: ({ component, alias, at, requestId }, text) =>
        damage(clients[0], tableName, { pk: `inbox#${component}#${alias}`, sk: `${at}#${requestId}` }, text),
      close: async () => {
        for (const client of clients) client.destroy();
      },
    };
  });

  it("a lease whose answer was lost is known when it is asked for again", async () => {
    const proxy = await dynamodbProxy(endpoint);
    const [client, direct] = [dynamodbClient(proxy.endpoint), dynamodbClient(endpoint)];
    onTestFinished(() => {
      for (const one of [client, direct]) one.destroy();
    });
    const tableName = await createTable(direct);
    proxy.faults("PutItem", answerLost);
    const store = dynamodbLaptopStore({ ...about, client, tableName });
    const first = await store.putLease(aLease());
    expect(first).toMatchObject({ lock: 1 });
    expect(await store.leases()).toStrictEqual([first]);
  });
});
