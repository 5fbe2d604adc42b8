import { deliveryTally } from "../../shared/domain/health/delivery-tally.ts";
import type { DeliveryCounts } from "../../shared/event-store/delivery-counts.ts";
import { explainFailures } from "../../shared/flows/watch/explain-failures.ts";
import { healthOf } from "../../shared/flows/watch/health.ts";
import { sampledExposures } from "../../shared/flows/watch/sampled-exposures.ts";
import { startDynamoDBLocal } from "./dynamodb-local.ts";
import { newTables, onEndpoint, printCharges, STORED } from "./replay-scan.ts";
import { capacityMeter } from "./router/capacity-meter.ts";
import { failSome } from "./stored-deliveries.ts";
import { putDeliveries } from "./stored-items.ts";

/** Of fifteen minutes. What is read hardly depends on how many there are: counts by the minute, and a sample. */
const RECORDS = 100_000;
const MINUTES = 15;

/** What DynamoDB charges for a look at the last fifteen minutes, on DynamoDB Local. */
export async function benchHealthCharges(): Promise<void> {
  console.log(
    `  on DynamoDB Local, ${RECORDS.toLocaleString("en-US")} deliveries of ${MINUTES} minutes, 1 in 100 failed`,
  );
  const local = await startDynamoDBLocal();
  if (local === undefined) return console.log("  not measured: there is no 'java' on the PATH");
  const meter = await capacityMeter(local.endpoint);
  try {
    const tables = await newTables(local.endpoint, "health");
    const direct = await onEndpoint(local.endpoint, tables);
    const from = new Date(Math.floor(Date.now() / 60_000) * 60_000 - MINUTES * 60_000);
    const stored = { ...STORED, records: RECORDS, from, everyMs: (MINUTES * 60_000) / RECORDS };
    await putDeliveries(local.endpoint, tables.TURNOUT_EVENT_TABLE, stored);
    const window = { from, to: new Date(from.getTime() + MINUTES * 60_000) };
    await failSome(direct.events, stored);
    await countSome(direct.events, from);
    direct.close();
    const { events, routingTable, close } = await onEndpoint(meter.endpoint, tables);
    const catalog = { aliases: async () => [{ alias: "stable", version: "1" }], versions: async () => [] };
    const now = new Date();
    meter.take();
    await healthOf({ events, routingTable, catalog }, { window }, now);
    printCharges("health", meter.take(), 1);
    await sampledExposures(events, window, now, Math.random);
    printCharges("what --by customer reads beside it", meter.take(), 1);
    const asked = { component: STORED.component, window, filter: {} };
    await explainFailures({ events, routingTable, catalog }, asked, now, Math.random);
    printCharges("failures", meter.take(), 1);
    close();
  } finally {
    meter.close();
    await local.stop();
  }
}

/** As a router would have counted them, one count a minute. */
async function countSome(events: Pick<DeliveryCounts, "count">, from: Date): Promise<void> {
  const tally = deliveryTally();
  const key = { component: STORED.component, version: "1", alias: "stable", type: "tick" };
  for (let minute = 0; minute < MINUTES; minute++) {
    const at = new Date(from.getTime() + minute * 60_000);
    const attempt = { kind: "first" as const, durationMs: 5 };
    const error = { type: "Error", message: "it broke" };
    for (let n = 0; n < RECORDS / MINUTES - 7; n++) tally.add(at, { ...key, outcome: "done", attempt });
    for (let n = 0; n < 7; n++) tally.add(at, { ...key, outcome: "dead", attempt: { ...attempt, error } });
    await events.count(tally.take(), "bench");
  }
}
