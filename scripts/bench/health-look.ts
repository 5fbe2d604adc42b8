import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CountedDelivery, deliveryTally } from "../../shared/domain/health/delivery-tally.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { explainFailures } from "../../shared/flows/watch/explain-failures.ts";
import { healthOf } from "../../shared/flows/watch/health.ts";
import { sampledExposures } from "../../shared/flows/watch/sampled-exposures.ts";
import { slicesOf } from "../../shared/flows/watch/slices.ts";
import { sqliteRoutingTable } from "../../shared/routing-table/sqlite-routing-table.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { benchHealthCharges } from "./health-charges.ts";
import { printBudget } from "./print-budget.ts";
import { applyComponent } from "./replay-scan.ts";
import { failSome, storeDeliveries } from "./stored-deliveries.ts";

const COMPONENT = "bench";

/** How long `health`, and `health --by customer`, take over so many stored deliveries of an hour, in ms. */
async function healthLookMs(records: number): Promise<{ health: number; byCustomer: number }> {
  const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const database = openDatabase(join(folder, "state.db"));
  try {
    const events = sqliteEventStore(database);
    const routingTable = sqliteRoutingTable(database);
    const from = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000);
    const everyMs = 3_600_000 / records;
    const window = await storeDeliveries(events, { component: COMPONENT, source: "bench", records, from, everyMs });
    await countAll(events, from, records);
    const now = new Date(window.to.getTime() + 1);
    const catalog = { aliases: async () => [{ alias: "stable", version: "1" }] };
    const look = () => healthOf({ events, routingTable, catalog }, { window }, now);
    const began = performance.now();
    await look();
    const between = performance.now();
    const { versions } = await look();
    const exposures = await sampledExposures(events, window, now, Math.random);
    for (const version of versions) slicesOf(version, "project", exposures);
    return { health: between - began, byCustomer: performance.now() - between };
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long `failures` takes over so many stored deliveries of an hour, of which one in a hundred failed, in ms. */
async function failuresLookMs(records: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const database = openDatabase(join(folder, "state.db"));
  try {
    const events = sqliteEventStore(database);
    const routingTable = sqliteRoutingTable(database);
    await applyComponent(routingTable, { name: COMPONENT, pattern: { source: ["bench"] }, aliases: { stable: {} } });
    const from = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000);
    const everyMs = 3_600_000 / records;
    const window = await storeDeliveries(events, { component: COMPONENT, source: "bench", records, from, everyMs });
    await failSome(events, { component: COMPONENT, source: "bench", records, from, everyMs });
    const catalog = { aliases: async () => [{ alias: "stable", version: "1" }], versions: async () => [] };
    const asked = { component: COMPONENT, window, filter: {} };
    const began = performance.now();
    const { failed, passed } = await explainFailures({ events, routingTable, catalog }, asked, window.to, Math.random);
    if (failed < 900 || passed < 1_500) throw new Error(`${failed} failures beside ${passed} were looked at`);
    return performance.now() - began;
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As a router would have counted them, some of which failed. */
export async function countAll(
  events: ReturnType<typeof sqliteEventStore>,
  from: Date,
  records: number,
): Promise<void> {
  const tally = deliveryTally();
  const key = { component: COMPONENT, version: "1", alias: "stable", type: "tick" };
  for (let minute = 0; minute < 60; minute++) {
    const at = new Date(from.getTime() + minute * 60_000);
    for (let n = 0; n < records / 60; n++) {
      const done: CountedDelivery = { ...key, outcome: "done", attempt: { kind: "first", durationMs: n % 300 } };
      tally.add(at, done);
    }
    await events.count(tally.take(), "bench");
  }
}

export async function benchHealth(): Promise<void> {
  console.log("Health of a version, stored deliveries of one hour, embedded");
  for (const [records, budgetMs] of [
    [100_000, 300],
    [1_000_000, 3_000],
  ] as const) {
    const { health, byCustomer } = await healthLookMs(records);
    const many = records.toLocaleString("en-US");
    console.log(`  ${many}: health ${health.toFixed(1)} ms, --by project ${byCustomer.toFixed(0)} ms`);
    printBudget(`${budgetMs} ms`, Math.max(health, byCustomer) <= budgetMs);
  }
  const failures = await failuresLookMs(100_000);
  console.log(`  failures over 100,000, of which 1,000 failed: ${failures.toFixed(0)} ms`);
  await benchHealthCharges();
}
