import type { Context } from "aws-lambda";
import { routerHandler } from "../../../functions/router.ts";
import { awsSettings } from "../../../shared/settings.ts";
import { startDynamoDBLocal } from "../dynamodb-local.ts";
import { type CapacityMeter, capacityMeter, createTable, dynamodb } from "./capacity-meter.ts";
import { routingItems } from "./routing-items.ts";
import { BATCH, CUSTOMERS, sampleBatch } from "./sample-batch.ts";
import { noQueue, turnoutEnvironment, turnoutPorts } from "./turnout-pipeline.ts";

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
  const handler = routerHandler({ ...ports, target });
  // Reads the customers' rows, which the router remembers from then on.
  await run(CUSTOMERS / BATCH);
  meter.take();
  await run(BATCHES);
  print(meter.take());

  async function run(batches: number): Promise<void> {
    for (let n = 0; n < batches; n++) {
      const { batchItemFailures } = await handler(sampleBatch(n), {
        getRemainingTimeInMillis: () => 60_000,
      } as Context);
      if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} events of a batch came back`);
    }
  }
}

function print(taken: ReturnType<CapacityMeter["take"]>): void {
  const events = BATCHES * BATCH;
  const sum = (units: "readUnits" | "writeUnits") =>
    Object.values(taken).reduce((all, capacity) => all + capacity[units], 0) / events;
  for (const [operation, { requests, readUnits, writeUnits }] of Object.entries(taken)) {
    const units = [
      readUnits > 0 ? `${readUnits / events} RRU` : "",
      writeUnits > 0 ? `${writeUnits / events} WRU` : "",
    ];
    console.log(`  ${operation}: ${requests / events} requests, ${units.filter((text) => text !== "").join(", ")}`);
  }
  const [wru, rru] = [sum("writeUnits"), sum("readUnits")];
  const met = wru <= 3 + 1 / BATCH && rru <= 1 / BATCH;
  console.log(`  in all ${wru.toFixed(2)} WRU and ${rru.toFixed(2)} RRU per event: ${met ? "met" : "MISSED"}`);
}
