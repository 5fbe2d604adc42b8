import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { expect, test } from "vitest";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { untilAtRest } from "../support/at-rest.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const EVENTS = 120;
const KILLS = 3;

const retry = { maxAttempts: 8, baseDelayMs: 20, maxDelayMs: 200 };

/** Every event goes to each of them; what they do is in `CODE`. */
const components = [
  { name: "steady", retry },
  { name: "flaky", retry },
  { name: "hanging", retry, timeoutMs: 1_500 },
  { name: "poisoned", retry: { ...retry, maxAttempts: 3 } },
  { name: "later", retry, invocation: { kind: "async" } },
].map((component) =>
  // Else as long as it takes where others have the processor: what is too late for its last attempt is dead.
  Component.parse({ pattern: { source: ["turmoil"] }, aliases: { stable: {} }, timeoutMs: 300_000, ...component }),
);

/** An idempotent consumer: it notes every run, and has one effect per component, key and generation. */
const CODE = `
import { DatabaseSync } from "node:sqlite";
const database = new DatabaseSync(process.env.EFFECTS, { timeout: 10_000 });
const run = database.prepare("INSERT INTO runs (component, key, attempt, mark) VALUES (?, ?, ?, ?)");
const runs = database.prepare("SELECT count(*) AS n FROM runs WHERE component = ? AND key = ?");
const effect = database.prepare("INSERT INTO effects (component, key) VALUES (?, ?) ON CONFLICT DO NOTHING");
export const handler = async ({ detail, turnout: { component, idempotencyKey: key, attempt } }) => {
  run.run(component, key, attempt, detail.mark);
  const tries = runs.get(component, key).n;
  // Seldom enough that its breaker never opens, be it that nothing else is left: what it would hold, it holds for a minute.
  if (component === "flaky" && detail.n % 25 === 0 && tries === 1) throw new Error("not yet");
  if (component === "later" && tries === 1 && detail.n % 10 === 0) throw new Error("not at once");
  if (component === "hanging" && tries === 1 && detail.n % 40 === 0) await new Promise(() => {});
  if (component === "poisoned" && detail.n % 25 === 0) throw new Error("can't be eaten");
  effect.run(component, key);
};
`;

test("sync and async, flaky, hanging and poisoned components get every event as promised, whatever is killed", async () => {
  const random = seededRandom(20261121);
  const home = await aHome();
  let server = await startServer(home);
  const conflicts = new Set<number>();
  let unacknowledged = Array.from({ length: EVENTS }, (_, n) => n);
  for (let kill = 0; unacknowledged.length > 0 || kill < KILLS; kill++) {
    const client = clientOf(server.url);
    const later: number[] = [];
    const batches = inTens(unacknowledged);
    const share = kill < KILLS ? Math.ceil(EVENTS / KILLS / 10) : batches.length;
    for (const batch of batches.splice(0, share)) {
      later.push(...(await put(client, batch, "first")));
      // A publisher's honest retry, and one that uses its keys twice.
      if (random() < 0.3) await put(client, batch, "first");
      if (random() < 0.2) {
        const [n = 0] = batch;
        if (!later.includes(n) && (await put(client, [n], "second")).length === 0) conflicts.add(n);
      }
    }
    unacknowledged = [...later, ...batches.flat()];
    if (kill >= KILLS) break;
    // While deliveries are under way, wait for nobody or for the workers, with mercy or without.
    await new Promise((resolve) => setTimeout(resolve, random() * 300));
    await server.end(random() < 0.3 ? "SIGTERM" : "SIGKILL");
    server = await startServer(home);
  }
  await untilAtRest(home, server.url);
  expect(await server.end("SIGTERM")).toBe(0);

  const { byComponent, rejected } = await ledgerOf(home);
  const poisoned = Math.ceil(EVENTS / 25);
  for (const { name } of components) {
    const expected = name === "poisoned" ? { done: EVENTS - poisoned, dead: poisoned } : { done: EVENTS };
    expect([name, byComponent[name]]).toEqual([name, expected]);
  }
  expect(rejected).toBe(conflicts.size * components.length);

  const effects = new DatabaseSync(join(home, "effects.db"), { readOnly: true });
  const rows = (sql: string) =>
    effects
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  expect(rows("SELECT component, count(*) AS n FROM effects GROUP BY component ORDER BY component")).toEqual([
    { component: "flaky", n: EVENTS },
    { component: "hanging", n: EVENTS },
    { component: "later", n: EVENTS },
    { component: "poisoned", n: EVENTS - poisoned },
    { component: "steady", n: EVENTS },
  ]);
  expect(rows("SELECT * FROM runs WHERE mark = 'second'")).toEqual([]);
  const twice = "SELECT component, key, attempt FROM runs GROUP BY component, key, attempt HAVING count(*) > 1";
  expect(rows(twice)).toEqual([]);
  effects.close();
});

async function aHome(): Promise<string> {
  const home = temporaryFolder();
  const code = join(home, "code");
  mkdirSync(code);
  writeFileSync(join(code, "index.mjs"), CODE);
  const effects = new DatabaseSync(join(home, "effects.db"));
  effects.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE runs (component TEXT, key TEXT, attempt INTEGER, mark TEXT);
    CREATE INDEX runs_of ON runs (component, key);
    CREATE TABLE effects (component TEXT, key TEXT, PRIMARY KEY (component, key))`);
  effects.close();
  const state = openEmbeddedState(home, { create: true });
  for (const known of components) {
    const component = { ...known, worker: { ...known.worker, environment: { EFFECTS: join(home, "effects.db") } } };
    await state.catalog.publish({ component: component.name, source: code, now: new Date() });
    await state.catalog.moveAlias(component.name, "stable", "1", null);
    const meta = { changeId: randomUUID(), who: "ada", why: "a test", command: "test", at: new Date() };
    await changeRoutes(state.routingTable, { edit: { kind: "apply component", component }, ...meta });
  }
  state.close();
  return home;
}

/** Puts ten events. Returns those that were not acknowledged, for whatever reason: they are put again. */
async function put(client: EventBridgeClient, batch: number[], mark: string): Promise<number[]> {
  try {
    const answer = await client.send(
      new PutEventsCommand({
        Entries: batch.map((n) => ({
          Source: "turmoil",
          DetailType: "tick",
          Detail: JSON.stringify({ metadata: { idempotencyKey: `tick-${n}`, customer: `customer-${n % 7}` }, n, mark }),
        })),
      }),
    );
    return batch.filter((_, index) => answer.Entries?.[index]?.EventId === undefined);
  } catch {
    return batch;
  }
}

async function ledgerOf(home: string) {
  const state = openEmbeddedState(home, { create: false });
  const keys = Array.from({ length: EVENTS }, (_, n) => eventKeyOf("turmoil", "tick", `tick-${n}`));
  const entries: LedgerEntry[] = [...(await state.events.deliveriesOf(keys)).values()].flat();
  state.close();
  const byComponent: Record<string, Record<string, number>> = {};
  let rejected = 0;
  for (const { component, status } of entries) {
    if (status === "rejected") rejected += 1;
    else {
      byComponent[component] ??= {};
      byComponent[component][status] = (byComponent[component][status] ?? 0) + 1;
    }
  }
  return { byComponent, rejected };
}

function clientOf(endpoint: string): EventBridgeClient {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  return new EventBridgeClient({ endpoint, region: "local", credentials, maxAttempts: 1 });
}

function inTens(numbers: number[]): number[][] {
  return Array.from({ length: Math.ceil(numbers.length / 10) }, (_, index) =>
    numbers.slice(index * 10, index * 10 + 10),
  );
}
