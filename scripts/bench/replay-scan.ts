import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { awsDependencies } from "../../shared/aws-dependencies.ts";
import { DEFAULT_RATE_PER_SECOND, noCounts } from "../../shared/domain/replays/replay.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { planReplay } from "../../shared/flows/replay/plan-replay.ts";
import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import { runReplay } from "../../shared/flows/replay/run-replay.ts";
import { startReplay } from "../../shared/flows/replay/start-replay.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { awsSettings } from "../../shared/settings.ts";
import { startDynamoDBLocal } from "./dynamodb-local.ts";
import { printBudget } from "./print-budget.ts";
import { type Capacity, type CapacityMeter, capacityMeter, createTable } from "./router/capacity-meter.ts";
import { storeDeliveries } from "./stored-deliveries.ts";

/** What a plan goes over, and four times as much of it. */
const RECORDS = 2_500;

/** A plan holds a page at a time, and a count per project: four times as many records may take a tenth more memory. */
const FLAT = 1.1;

/** What is metered. The meter lets requests through one by one: at a steady rate more deliveries come together than do on AWS. */
const METERED = 500;

/** 100 events a second. */
const EVERY_MS = 10;

export const STORED = { component: "bench-consumer", source: "bench.shop", everyMs: EVERY_MS };
const FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:bench-consumer";

type Window = { from: Date; to: Date };

/** Prints how fast a replay's window is read on DynamoDB Local, what DynamoDB charges for that, and what for a run. */
export async function benchReplayScan(): Promise<void> {
  console.log("Replay on DynamoDB Local, events of 1 KB, 100/s, one component (budget: memory flat)");
  const local = await startDynamoDBLocal();
  if (local === undefined) return console.log("  not measured: there is no 'java' on the PATH");
  const meter = await capacityMeter(local.endpoint);
  try {
    await benchPlans(local.endpoint);
    await benchCharges(local.endpoint, meter);
  } finally {
    meter.close();
    await local.stop();
  }
}

async function benchPlans(endpoint: string): Promise<void> {
  const tables = await newTables(endpoint, "scan");
  const { ports, events, close } = await onEndpoint(endpoint, tables);
  const collectGarbage = garbageCollector();
  /** What is held, in MiB. */
  const held = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const mosts: number[] = [];
  let from = yesterday();
  for (const records of [RECORDS, 4 * RECORDS]) {
    const window = await storeDeliveries(events, { ...STORED, records, from });
    const start = performance.now();
    await plan(ports, window, records);
    const perSecond = records / ((performance.now() - start) / 1_000);
    const before = held();
    let most = 0;
    await plan(ports, window, records, (scanned) => {
      if (scanned % RECORDS === 0) most = Math.max(most, held());
    });
    const heap = `heap ${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most`;
    mosts.push(most);
    from = window.to;
    console.log(`  a plan over ${text(records)}: ${text(perSecond)} records/s, ${heap}`);
  }
  const [quarter = Number.NaN, whole = Number.NaN] = mosts;
  printBudget("memory flat", whole <= quarter * FLAT);
  close();
}

async function benchCharges(endpoint: string, meter: CapacityMeter): Promise<void> {
  const tables = await newTables(endpoint, "charges");
  const direct = await onEndpoint(endpoint, tables);
  const first = await storeDeliveries(direct.events, { ...STORED, records: METERED, from: yesterday() });
  const second = await storeDeliveries(direct.events, { ...STORED, records: METERED, from: first.to });
  direct.close();
  const { ports, close } = await onEndpoint(meter.endpoint, tables);
  // The rows of the projects are read once, and remembered from then on.
  await plan(ports, { from: first.from, to: second.to }, 2 * METERED);
  meter.take();
  await plan(ports, first, METERED);
  printCharges("a plan, per 1,000 records scanned", meter.take(), METERED / 1_000);
  await run(ports, "flat-out", first);
  printCharges("a rerun as fast as it goes, per delivery", meter.take(), METERED);
  await run(ports, "steady", second, DEFAULT_RATE_PER_SECOND);
  printCharges(`a rerun at ${DEFAULT_RATE_PER_SECOND}/s, per delivery`, meter.take(), METERED);
  close();
}

/** The tables of an environment, with one component. */
export async function newTables(endpoint: string, name: string) {
  const tables = {
    TURNOUT_ROUTING_TABLE: `turnout-bench-${name}-routing`,
    TURNOUT_EVENT_TABLE: `turnout-bench-${name}-events`,
  };
  for (const table of Object.values(tables)) await createTable(endpoint, table);
  const { routingTable, close } = await onEndpoint(endpoint, tables);
  const target = { kind: "lambda" as const, functionArn: FUNCTION_ARN };
  const about = { name: STORED.component, pattern: { source: [STORED.source] }, aliases: { stable: { target } } };
  await applyComponent(routingTable, about);
  close();
  return tables;
}

/** @param about the component, as its file would say it */
export async function applyComponent(routingTable: RoutingTable, about: object): Promise<void> {
  await changeRoutes(routingTable, {
    edit: { kind: "apply component", component: Component.parse(about) },
    changeId: "bench",
    who: "bench",
    why: "bench",
    command: "npm run bench",
    at: new Date(),
  });
}

/** A replayer's ports as they are on AWS, on that endpoint, but for a target that is done at once. */
export async function onEndpoint(endpoint: string, tables: Awaited<ReturnType<typeof newTables>>) {
  // The SDK's own settings: these clients are made just as they are on AWS.
  process.env.AWS_ENDPOINT_URL_DYNAMODB = endpoint;
  process.env.AWS_ACCESS_KEY_ID ??= "bench";
  process.env.AWS_SECRET_ACCESS_KEY ??= "bench";
  const settings = { ...tables, TURNOUT_BODY_BUCKET: "unused", AWS_REGION: "eu-west-1" };
  const { routingTable, events, replays, close } = awsDependencies(awsSettings(settings));
  // The client looks up its endpoint with its first request.
  await routingTable.head();
  delete process.env.AWS_ENDPOINT_URL_DYNAMODB;
  const ports: ReplayerPorts = withCounter({
    routing: routingCache(routingTable),
    events,
    replays,
    target: async () => ({ outcome: "done" as const, executedVersion: "1", durationMs: 5 }),
    catalog: { aliases: async () => [{ alias: "stable", version: "1" }] },
    now: () => new Date(),
    random: Math.random,
    newId: () => randomUUID(),
    delay,
    report: () => {},
    onError: (error) => {
      throw error;
    },
    settleMs: 0,
  });
  return { routingTable, events, ports, close };
}

async function plan(
  ports: ReplayerPorts,
  window: Window,
  records: number,
  onProgress?: (scanned: number) => void,
): Promise<void> {
  const asked = { name: "planned", window, filter: {}, mode: "rerun", destination: { kind: "today" } } as const;
  const { counts } = await planReplay(ports, { ...asked, startedAt: new Date() }, () => new Date(), onProgress);
  if (counts.sent !== records) throw new Error(`${counts.sent} of ${records} events were planned`);
}

async function run(ports: ReplayerPorts, name: string, window: Window, ratePerSecond?: number): Promise<void> {
  await startReplay(ports.replays, {
    name,
    who: "bench",
    why: "bench",
    command: "npm run bench",
    requestedAt: new Date(),
    window,
    filter: {},
    mode: "rerun",
    destination: { kind: "today" },
    concurrency: 25,
    planned: noCounts(),
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
  });
  const { ended } = await runReplay(ports, name, () => true);
  const replay = await ports.replays.get(name);
  if (!ended || replay?.progress.counts.done !== METERED) throw new Error("the replay didn't come to its end");
}

/** What DynamoDB charges, per so many. */
export function printCharges(title: string, taken: { [operation: string]: Capacity }, by: number): void {
  const figures = ({ requests, readUnits, writeUnits }: Capacity) =>
    [
      `${rounded(requests / by)} requests`,
      ...(readUnits > 0 ? [`${rounded(readUnits / by)} RRU`] : []),
      ...(writeUnits > 0 ? [`${rounded(writeUnits / by)} WRU`] : []),
    ].join(", ");
  const sum = { requests: 0, readUnits: 0, writeUnits: 0 };
  for (const { requests, readUnits, writeUnits } of Object.values(taken)) {
    sum.requests += requests;
    sum.readUnits += readUnits;
    sum.writeUnits += writeUnits;
  }
  console.log(`  ${title}: ${figures(sum)}`);
  for (const [operation, capacity] of Object.entries(taken)) console.log(`    ${operation}: ${figures(capacity)}`);
}

function yesterday(): Date {
  return new Date(Date.now() - 86_400_000);
}

function rounded(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}

function text(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** What is left is what is held. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
