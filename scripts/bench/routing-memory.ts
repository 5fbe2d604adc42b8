import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Component } from "../../shared/domain/routing/component.ts";
import { type Decision, decideRoute } from "../../shared/domain/routing/decide-route.ts";
import { resolveSubject } from "../../shared/domain/routing/subject-rows.ts";
import { type RoutingView, routingCache } from "../../shared/flows/routing-cache.ts";
import { sqliteRoutingTable } from "../../shared/routing-table/sqlite-routing-table.ts";
import { type Database, openDatabase } from "../../shared/sqlite/database.ts";

const SUBJECTS = 1_000_000;
const BATCH = 25;
const REPORT_AT = [1_000, 100_000, 500_000, 1_000_000];

/** Prints the memory of one process whose routing cache sees a million customers, each once. */
export async function benchRoutingMemory(): Promise<void> {
  console.log(`Memory of one routing cache, ${text(SUBJECTS)} pinned customers routed through it (budget: flat)`);
  const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const database = openDatabase(join(folder, "state.db"));
  try {
    const table = sqliteRoutingTable(database);
    await fill(database);
    const routing = routingCache(table);
    const collectGarbage = garbageCollector();
    const start = performance.now();
    for (let routed = 0; routed < SUBJECTS; ) {
      await routing.refresh();
      const first = routed;
      const decided = await routing.decideOn((view) => decideBatch(view, first));
      if (decided.some(({ because }) => because !== "customer pin")) throw new Error("a pin was not found");
      routed += BATCH;
      if (REPORT_AT.includes(routed)) {
        collectGarbage();
        // Freed pages go back to the system a little later.
        await delay(500);
        const { rss, heapUsed, heapTotal } = process.memoryUsage();
        const heap = `heap ${megabytes(heapUsed)} MB of ${megabytes(heapTotal)} MB`;
        console.log(`  after ${text(routed).padStart(9)}: ${heap}, RSS ${megabytes(rss)} MB`);
      }
    }
    const perSecond = (SUBJECTS / (performance.now() - start)) * 1_000;
    console.log(`  every one a cache miss: ${text(Math.round(perSecond))} events/s decided, in batches of ${BATCH}`);
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The component as a change, and the pins straight into the table: a million rows of log are another benchmark. */
async function fill(database: Database): Promise<void> {
  const component = Component.parse({
    name: "bench-consumer",
    pattern: { source: ["bench"] },
    aliases: { stable: {}, beta: {} },
  });
  const rows = [{ key: `component#${component.name}` as const, before: null, after: component }];
  const table = sqliteRoutingTable(database);
  await table.commit({ changeId: "fill", at: new Date(), who: "bench", why: "bench", command: "bench", rows }, 0);
  const insert = database.connection.prepare("INSERT INTO routing_rows (key, value) VALUES (?, ?)");
  const pin = { alias: "beta", who: "bench", why: "bench", at: "2026-11-20T10:00:00.000Z" };
  const value = JSON.stringify({ pins: { [component.name]: pin }, cohorts: [], plan: "paid" });
  await database.write(() => {
    for (let n = 0; n < SUBJECTS; n++) insert.run(`customer#customer-${n}`, value);
  });
}

function decideBatch({ listeners, subjectRow: rowOf }: RoutingView, first: number): Decision[] {
  const [listener] = listeners;
  if (listener === undefined) throw new Error("there is no component");
  const now = new Date();
  return Array.from({ length: BATCH }, (_, n) => {
    const subject = resolveSubject({ customer: `customer-${first + n}` }, rowOf);
    return decideRoute({ component: listener.component, subject, rowOf, now, trace: false });
  });
}

/** What is left is what is held. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1024 / 1024)).padStart(4);
}

function text(count: number): string {
  return count.toLocaleString("en-US");
}
