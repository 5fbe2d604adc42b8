import { once } from "node:events";
import { createServer } from "node:http";
import { awsDependencies } from "../../shared/aws-dependencies.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { awsSettings } from "../../shared/settings.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { startDynamoDBLocal } from "./dynamodb-local.ts";

const BATCH = 10;
const TABLE = "turnout-bench";

/** Requests on the wire, by DynamoDB operation. */
type Requests = Record<string, number>;

/** Prints the routing requests of a batch on DynamoDB Local, by what the router remembers. */
export async function benchRoutingRequests(): Promise<void> {
  console.log(`Routing requests per batch of ${BATCH}, DynamoDB Local (budget: 1 when warm)`);
  const local = await startDynamoDBLocal();
  if (local === undefined) return console.log("  not measured: there is no 'java' on the PATH");
  try {
    for (const [name, requests] of Object.entries(await measure(local.endpoint))) {
      const told = Object.entries(requests).map(([operation, count]) => `${count} ${operation}`);
      const sum = Object.values(requests).reduce((all, count) => all + count, 0);
      console.log(`  ${name}: ${sum} (${told.join(", ")}), ${sum / BATCH} per event`);
    }
  } finally {
    await local.stop();
  }
}

async function measure(endpoint: string): Promise<Record<string, Requests>> {
  await createTable(endpoint);
  const counter = await countingServer(endpoint);
  // The SDK's own settings: these clients are made just as they are on AWS.
  process.env.AWS_ENDPOINT_URL_DYNAMODB = counter.endpoint;
  process.env.AWS_ACCESS_KEY_ID ??= "bench";
  process.env.AWS_SECRET_ACCESS_KEY ??= "bench";
  const { routingTable, close } = awsDependencies(
    awsSettings({
      TURNOUT_ROUTING_TABLE: TABLE,
      TURNOUT_EVENT_TABLE: TABLE,
      TURNOUT_BODY_BUCKET: "unused",
      AWS_REGION: "eu-west-1",
    }),
  );
  const database = openDatabase(":memory:");
  try {
    await setUp(routingTable);
    const events = sqliteEventStore(database);
    const routing = routingCache(routingTable);
    const batch = async () => {
      counter.reset();
      await routeBatch(
        withCounter({
          routing,
          events,
          target: async () => ({ outcome: "done" as const, executedVersion: "1", durationMs: 0 }),
          now: () => new Date(),
          random: Math.random,
          newId: () => crypto.randomUUID(),
          delay: () => new Promise(() => {}),
          report: () => {},
          onError: (error) => {
            throw error;
          },
        }),
        Array.from({ length: BATCH }, (_, n) => aMessage(`customer-${n}`)),
      );
      return counter.requests();
    };
    const cold = await batch();
    const warm = await batch();
    await change(routingTable, pin("customer-3", "beta"));
    return { cold, warm, "after a pin": await batch(), "warm again": await batch() };
  } finally {
    database.close();
    close();
    counter.close();
    delete process.env.AWS_ENDPOINT_URL_DYNAMODB;
  }
}

async function setUp(table: RoutingTable): Promise<void> {
  const component = Component.parse({
    name: "bench-consumer",
    pattern: { source: ["bench"] },
    aliases: { stable: {}, beta: {} },
  });
  await change(table, { kind: "apply component", component });
  for (let n = 0; n < BATCH; n++) await change(table, { kind: "set plan", customer: `customer-${n}`, plan: "paid" });
}

function pin(customer: string, alias: string): RoutingEdit {
  const about = { alias, who: "bench", why: "bench", at: new Date().toISOString() };
  return { kind: "pin", level: "customer", id: customer, component: "bench-consumer", pin: about };
}

async function change(table: RoutingTable, edit: RoutingEdit): Promise<void> {
  const at = new Date();
  await changeRoutes(table, { edit, changeId: crypto.randomUUID(), who: "bench", why: "bench", command: "bench", at });
}

function aMessage(customer: string) {
  const id = crypto.randomUUID();
  const time = new Date();
  const detail = { metadata: { customer } };
  const event = { version: "0", id, source: "bench", "detail-type": "tick", time: time.toISOString(), detail };
  return { messageId: id, receiptHandle: id, body: JSON.stringify(event), sentAt: time, receiveCount: 1 };
}

/** A server in front of DynamoDB that counts what passes. */
async function countingServer(target: string) {
  let requests: Requests = {};
  const server = createServer(async (incoming, response) => {
    const operation = operationOf(incoming.headers["x-amz-target"]);
    requests[operation] = (requests[operation] ?? 0) + 1;
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const answer = await request(target, operation, Buffer.concat(chunks).toString());
    response.writeHead(answer.status).end(await answer.text());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests: () => ({ ...requests }),
    reset() {
      requests = {};
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function operationOf(target: string | string[] | undefined): string {
  return String(target).split(".")[1] ?? "";
}

async function createTable(endpoint: string): Promise<void> {
  const names = ["pk", "sk"];
  const answer = await request(
    endpoint,
    "CreateTable",
    JSON.stringify({
      TableName: TABLE,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: names.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? "HASH" : "RANGE" })),
    }),
  );
  if (!answer.ok) throw new Error(`CreateTable: ${await answer.text()}`);
}

/** DynamoDB Local wants a signature's shape and checks no more of it. */
function request(endpoint: string, operation: string, body: string): Promise<Response> {
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": `DynamoDB_20120810.${operation}`,
    authorization:
      "AWS4-HMAC-SHA256 Credential=bench/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=, Signature=0",
  };
  return fetch(endpoint, { method: "POST", headers, body });
}
