import type { Context } from "aws-lambda";
import { routerHandler } from "../../../functions/router.ts";
import { awsSettings } from "../../../shared/settings.ts";
import { startDynamoDBLocal } from "../dynamodb-local.ts";
import { type CapacityMeter, capacityMeter, createTable, dynamodb } from "./capacity-meter.ts";
import { routingItems } from "./routing-items.ts";
import { BATCH, CUSTOMERS, sampleBatch } from "./sample-batch.ts";
import { noCounter, noQueue, turnoutEnvironment, turnoutPorts } from "./turnout-pipeline.ts";

const BATCHES = 20;

/** Prints what DynamoDB charges the router per event on its happy path, as DynamoDB Local counts it. */
export async function benchCapacity(): Promise<void> {
  console.log(
    `DynamoDB capacity per event of 1 KB, batches of ${BATCH}, DynamoDB Local (budget: 3 WRU and 0.1 for counts, 0.1 RRU)`,
  );
  const local = await startDynamoDBLocal();
  if (local === undefined) return console.log("  not measured: there is no 'java' on the PATH");
  const TableName = turnoutEnvironment.TURNOUT_ROUTING_TABLE;
  const meter = await capacityMeter(local.endpoint);
  try {
    for (const name of [TableName, turnoutEnvironment.TURNOUT_EVENT_TABLE]) await createTable(local.endpoint, name);
    for (const Item of routingItems()) await dynamodb(local.endpoint, "PutItem", { TableName, Item });
    // The SDK's own settings: these clients are made just as they are on AWS.
    process.env.AWS_ENDPOINT_URL_DYNAMODB = meter.endpoint;
    process.env.AWS_ACCESS_KEY_ID ??= "bench";
    process.env.AWS_SECRET_ACCESS_KEY ??= "bench";
    await measure(meter);
  } finally {
    delete process.env.AWS_ENDPOINT_URL_DYNAMODB;
    meter.close();
    await local.stop();
  }
}

async function measure(meter: CapacityMeter): Promise<void> {
  const ports = turnoutPorts(awsSettings(turnoutEnvironment), noQueue);
  const target = async () => ({ outcome: "done" as const, executedVersion: "1", durationMs: 1 });
  const counting = routerHandler({ ...ports, target });
  // As an instance that gets a batch in 5 s.
  const eachTime = { ...ports.counter, settle: () => ports.counter.flush() };
  let batches = 0;
  // Reads the customers' rows, which the router remembers from then on.
  await run(counting, CUSTOMERS / BATCH);
  meter.take();
  await run(counting, BATCHES);
  print(meter.take());
  for (const [name, counter] of [
    ["counts stored with each batch", eachTime],
    ["without counts", noCounter],
  ] as const) {
    await run(routerHandler({ ...ports, target, counter }), BATCHES);
    console.log(`  ${name}: ${figuresOf(meter.take())} per event`);
  }

  async function run(handler: ReturnType<typeof routerHandler>, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const { batchItemFailures } = await handler(sampleBatch(batches++), {
        getRemainingTimeInMillis: () => 60_000,
      } as Context);
      if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} events of a batch came back`);
    }
  }
}

type Taken = ReturnType<CapacityMeter["take"]>;

const EVENTS = BATCHES * BATCH;

function sumOf(taken: Taken): { requests: number; wru: number; rru: number } {
  const sum = (of: "requests" | "readUnits" | "writeUnits") =>
    Object.values(taken).reduce((all, capacity) => all + capacity[of], 0) / EVENTS;
  return { requests: sum("requests"), wru: sum("writeUnits"), rru: sum("readUnits") };
}

function figuresOf(taken: Taken): string {
  const { requests, wru, rru } = sumOf(taken);
  return `${requests.toFixed(2)} requests, ${wru.toFixed(2)} WRU and ${rru.toFixed(2)} RRU`;
}

function print(taken: Taken): void {
  for (const [operation, { requests, readUnits, writeUnits }] of Object.entries(taken)) {
    const units = [
      readUnits > 0 ? `${readUnits / EVENTS} RRU` : "",
      writeUnits > 0 ? `${writeUnits / EVENTS} WRU` : "",
    ];
    console.log(`  ${operation}: ${requests / EVENTS} requests, ${units.filter((text) => text !== "").join(", ")}`);
  }
  const { wru, rru } = sumOf(taken);
  const met = wru <= 3 + 1 / BATCH && rru <= 1 / BATCH;
  console.log(`  in all ${figuresOf(taken)} per event: ${met ? "met" : "MISSED"}`);
}
