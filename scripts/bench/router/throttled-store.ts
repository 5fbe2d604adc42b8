import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "aws-lambda";
import { routerHandler } from "../../../functions/router.ts";
import { type EventQueue, HANDED_OUT_MS, type ReceivedMessage } from "../../../shared/event-queue/event-queue.ts";
import { sqliteEventQueue } from "../../../shared/event-queue/sqlite-event-queue.ts";
import { awsSettings } from "../../../shared/settings.ts";
import { openDatabase } from "../../../shared/sqlite/database.ts";
import type { Target } from "../../../shared/targets/target.ts";
import { startDynamoDBLocal } from "../dynamodb-local.ts";
import { createTable, dynamodb } from "./capacity-meter.ts";
import { routingItems } from "./routing-items.ts";
import { BATCH, sampleBatch } from "./sample-batch.ts";
import { turnoutEnvironment, turnoutPorts } from "./turnout-pipeline.ts";

/** Batches that Lambda has routed at once. */
const ROUTERS = 4;
const ROUTER_TIMEOUT_MS = 900_000;
const LOOK_AGAIN_MS = 200;

export type ThrottledRecovery = {
  /** From the end of the trouble to everything delivered. */
  seconds: number;
  /** Messages that were hidden from every router when the trouble ended. */
  inFlight: number;
  sends: number;
  events: number;
};

/**
 * Routers of an environment on AWS, whose DynamoDB refuses every request for a while when a quarter of the events is done.
 * The queue that hands messages out is the embedded one. Undefined when there is no `java` on this machine.
 */
export async function recoveryFromThrottles(
  batches: number,
  throttledMs: number,
): Promise<ThrottledRecovery | undefined> {
  const local = await startDynamoDBLocal();
  if (local === undefined) return undefined;
  const TableName = turnoutEnvironment.TURNOUT_ROUTING_TABLE;
  const door = await throttlingDoor(local.endpoint);
  try {
    for (const name of [TableName, turnoutEnvironment.TURNOUT_EVENT_TABLE]) await createTable(local.endpoint, name);
    for (const Item of routingItems()) await dynamodb(local.endpoint, "PutItem", { TableName, Item });
    process.env.AWS_ENDPOINT_URL_DYNAMODB = door.endpoint;
    process.env.AWS_ACCESS_KEY_ID ??= "bench";
    process.env.AWS_SECRET_ACCESS_KEY ??= "bench";
    return await measured(door, batches, throttledMs);
  } finally {
    delete process.env.AWS_ENDPOINT_URL_DYNAMODB;
    door.close();
    await local.stop();
  }
}

type Door = Awaited<ReturnType<typeof throttlingDoor>>;

async function measured(door: Door, batches: number, throttledMs: number): Promise<ThrottledRecovery> {
  const sends: string[] = [];
  const target: Target = async ({ idempotencyKey }) => {
    sends.push(idempotencyKey);
    await delay(20);
    return { outcome: "done", executedVersion: "1", durationMs: 20 };
  };
  const database = openDatabase(":memory:");
  const queue = sqliteEventQueue(database);
  const ports = { ...turnoutPorts(awsSettings(turnoutEnvironment), queue), target, onError: () => {} };
  const handler = routerHandler(ports);
  const events = batches * BATCH;
  for (let n = 0; n < batches; n++) {
    await queue.send(
      sampleBatch(n).Records.map(({ body }) => body),
      new Date(),
    );
  }
  let over = false;
  const routers = Array.from({ length: ROUTERS }, () => routeAll(queue, handler, () => over));
  const isLeft = async (count: number) => inAll(await queue.depth(new Date())) > count;
  while (await isLeft((3 / 4) * events)) await delay(10);
  door.throttle(true);
  await delay(throttledMs);
  const { inFlight } = await queue.depth(new Date());
  door.throttle(false);
  const ended = performance.now();
  while (await isLeft(0)) await delay(50);
  const seconds = (performance.now() - ended) / 1_000;
  over = true;
  await Promise.all(routers);
  database.close();
  if (new Set(sends).size !== events) throw new Error(`${new Set(sends).size} of ${events} events were sent`);
  return { seconds, inFlight, sends: sends.length, events };
}

function inAll({ visible, inFlight }: { visible: number; inFlight: number }): number {
  return visible + inFlight;
}

/** One of Lambda's pollers with its router: a batch at a time, and what succeeded is deleted. */
async function routeAll(queue: EventQueue, handler: ReturnType<typeof routerHandler>, isOver: () => boolean) {
  while (!isOver()) {
    const messages = await queue.receive(BATCH, HANDED_OUT_MS, new Date());
    if (messages.length === 0) {
      await delay(LOOK_AGAIN_MS);
      continue;
    }
    const end = Date.now() + ROUTER_TIMEOUT_MS;
    const context = { getRemainingTimeInMillis: () => end - Date.now() } as Context;
    const { batchItemFailures } = await handler({ Records: messages.map(recordOf) }, context);
    const back = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    await queue.delete(messages.filter(({ messageId }) => !back.has(messageId)).map((done) => done.receiptHandle));
  }
}

function recordOf({ messageId, receiptHandle, body, sentAt, receiveCount }: ReceivedMessage) {
  const [like] = sampleBatch(0).Records;
  if (like === undefined) throw new Error("a batch without records");
  const attributes = {
    ...like.attributes,
    SentTimestamp: String(sentAt.getTime()),
    ApproximateReceiveCount: String(receiveCount),
  };
  return { ...like, messageId, receiptHandle, body, attributes };
}

/** A server in front of DynamoDB Local that refuses every request as DynamoDB does, or passes it on. */
async function throttlingDoor(target: string) {
  let isThrottling = false;
  const type = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
  const refusal = JSON.stringify({ __type: type, message: "throttled by the benchmark" });
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const json = { "content-type": "application/x-amz-json-1.0" };
    if (isThrottling) return void response.writeHead(400, json).end(refusal);
    const { host: _, connection: __, "content-length": ___, ...passed } = incoming.headers;
    const headers = Object.entries(passed).map(([name, value]): [string, string] => [name, String(value)]);
    const answer = await fetch(target, { method: "POST", headers, body: Buffer.concat(chunks) });
    response.writeHead(answer.status, json).end(await answer.text());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    throttle(on: boolean) {
      isThrottling = on;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
