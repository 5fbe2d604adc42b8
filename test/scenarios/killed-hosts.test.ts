import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { expect, test } from "vitest";
import { Component } from "../../shared/domain/routing/component.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { untilAtRest } from "../support/at-rest.ts";
import { hostsOf } from "../support/host-processes.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const EVENTS = 200;
const HOST_KILLS = 10;
/** After which events the server is killed. */
const SERVER_KILLS = [60, 130];
const COMPONENTS = ["quick", "slow"];

/** Notes every run by its attempt, and has one effect per key. */
const CODE = `
import { DatabaseSync } from "node:sqlite";
const database = new DatabaseSync(process.env.EFFECTS, { timeout: 10_000 });
const run = database.prepare("INSERT INTO runs (component, key, attempt) VALUES (?, ?, ?)");
const effect = database.prepare("INSERT INTO effects (component, key) VALUES (?, ?) ON CONFLICT DO NOTHING");
export const handler = async ({ turnout: { component, idempotencyKey: key, attempt } }) => {
  run.run(component, key, attempt);
  if (component === "slow") await new Promise((resolve) => setTimeout(resolve, 20));
  effect.run(component, key);
};
`;

test("hosts and servers that are killed or stopped cost attempts, and no event", async () => {
  const random = seededRandom(20261130);
  const home = await aHome();
  let server = await startServer(home);
  let kills = 0;
  for (let from = 0; from < EVENTS; from += 10) {
    const batch = Array.from({ length: 10 }, (_, n) => from + n);
    while (!(await put(server.url, batch))) {
      // The same keys again, until they are acknowledged.
    }
    if (random() < (HOST_KILLS * 10) / EVENTS) {
      const hosts = hostsOf(server.process.pid);
      const victim = hosts[Math.floor(random() * hosts.length)];
      // A stopped host outlives its events' time, and is ended by the server then.
      if (victim !== undefined) process.kill(victim, kills++ % 3 === 2 ? "SIGSTOP" : "SIGKILL");
    }
    if (SERVER_KILLS.includes(from)) {
      await server.end("SIGKILL");
      server = await startServer(home);
    }
  }
  await untilAtRest(home, server.url);
  const left = hostsOf(server.process.pid);
  expect(left.length).toBeLessThanOrEqual(COMPONENTS.length);
  expect(await server.end("SIGTERM")).toBe(0);
  expect(kills).toBeGreaterThan(3);
  expect(left.filter(isAlive)).toEqual([]);

  expect(await statusesIn(home)).toEqual({ done: EVENTS * COMPONENTS.length });
  const effects = new DatabaseSync(join(home, "effects.db"), { readOnly: true });
  const one = (sql: string) => ({ ...effects.prepare(sql).get() });
  expect(one("SELECT count(*) AS rows, count(DISTINCT component || key) AS keys FROM effects")).toEqual({
    rows: EVENTS * COMPONENTS.length,
    keys: EVENTS * COMPONENTS.length,
  });
  // What was run again was another attempt.
  expect(one("SELECT count(*) - count(DISTINCT component || key || attempt) AS twice FROM runs")).toEqual({ twice: 0 });
  effects.close();
});

async function aHome(): Promise<string> {
  const home = temporaryFolder();
  const code = join(home, "code");
  mkdirSync(code);
  writeFileSync(join(code, "index.mjs"), CODE);
  const effects = new DatabaseSync(join(home, "effects.db"));
  effects.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE runs (component TEXT, key TEXT, attempt INTEGER);
    CREATE TABLE effects (component TEXT, key TEXT, PRIMARY KEY (component, key))`);
  effects.close();
  const state = openEmbeddedState(home, { create: true });
  for (const name of COMPONENTS) {
    await state.catalog.publish({ component: name, source: code, now: new Date() });
    await state.catalog.moveAlias(name, "stable", "1", null);
    const component = Component.parse({
      name,
      pattern: { source: ["killed"] },
      aliases: { stable: {} },
      timeoutMs: 2_000,
      retry: { maxAttempts: 50, baseDelayMs: 20, maxDelayMs: 200 },
      worker: { environment: { EFFECTS: join(home, "effects.db") } },
    });
    const meta = { changeId: randomUUID(), who: "ada", why: "a test", command: "test", at: new Date() };
    await changeRoutes(state.routingTable, { edit: { kind: "apply component", component }, ...meta });
  }
  state.close();
  return home;
}

/** Puts ten events; whether all were acknowledged. */
async function put(endpoint: string, batch: number[]): Promise<boolean> {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new EventBridgeClient({ endpoint, region: "local", credentials, maxAttempts: 1 });
  const Entries = batch.map((n) => ({
    Source: "killed",
    DetailType: "tick",
    Detail: JSON.stringify({ metadata: { idempotencyKey: `event-${n}` }, n }),
  }));
  try {
    const answer = await client.send(new PutEventsCommand({ Entries }));
    return answer.FailedEntryCount === 0;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function statusesIn(home: string): Promise<Record<string, number>> {
  const state = openEmbeddedState(home, { create: false });
  const statuses: Record<string, number> = {};
  for await (const page of state.events.records({ from: new Date(0), to: new Date(8.64e15) }, new Date())) {
    const deliveries = await state.events.deliveriesOf(page.map(({ eventKey }) => eventKey));
    for (const { status } of [...deliveries.values()].flat()) statuses[status] = (statuses[status] ?? 0) + 1;
  }
  state.close();
  return statuses;
}
