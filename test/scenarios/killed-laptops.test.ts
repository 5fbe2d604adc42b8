import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { expect, test } from "vitest";
import { Component } from "../../shared/domain/routing/component.ts";
import { LEASE_MS } from "../../shared/domain/routing/laptop-lease.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { untilAtRest } from "../support/at-rest.ts";
import { aListener } from "../support/listener-process.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const EVENTS = 1_000;
const KILLS = 6;
const PER_ROUND = Math.ceil(EVENTS / (KILLS + 1));

const CLOCK = new URL("../support/bundled-clock.ts", import.meta.url).href;
const USER = new URL("../support/another-user.ts", import.meta.url).href;

/** Runs on laptops, and on stable for those that are gone: one effect per key, and a note of where it ran. */
const CODE = `
import { DatabaseSync } from "node:sqlite";
const database = new DatabaseSync(process.env.EFFECTS, { timeout: 10_000 });
const run = database.prepare("INSERT INTO runs (key, alias, attempt) VALUES (?, ?, ?)");
const effect = database.prepare("INSERT INTO effects (key) VALUES (?) ON CONFLICT DO NOTHING");
export const handler = async ({ turnout: { idempotencyKey, alias, attempt } }) => {
  run.run(idempotencyKey, alias, attempt);
  effect.run(idempotencyKey);
};
`;

/** Each round's events are those of one developer, who listens for them and is killed with the server, by turns before and after it. */
test("servers and listeners killed at random moments lose no event, and every effect happens once", async () => {
  const random = seededRandom(20261130);
  const { home, folder } = await aHome();
  const listenAs = (developer: string) => {
    const variables = { TURNOUT_HOME: home, NODE_OPTIONS: `--import ${USER}?name=${developer}` };
    return aListener(["listened", folder, "--user", developer], variables);
  };
  let server = await startServer(home);
  let listener = await listenAs(developerOf(0));
  let unacknowledged: number[] = [];

  for (let round = 0; round <= KILLS || unacknowledged.length > 0; round++) {
    const client = clientOf(server.url);
    const batches = inTens([...eventsOf(round), ...unacknowledged]);
    if (round >= KILLS) {
      unacknowledged = await published(client, batches);
      continue;
    }
    const last = batches.splice(-4);
    const failed = await published(client, batches);
    const ended = 1 + Math.floor(random() * (PER_ROUND / 3));
    await listener.until(() => listener.said("ended").length >= ended);
    // The server goes on to send to a laptop that is gone, or the laptop goes on alone.
    const [first, second] = round % 2 === 0 ? [listener.child, server.process] : [server.process, listener.child];
    first.kill("SIGKILL");
    const publishing = published(client, last);
    second.kill("SIGKILL");
    unacknowledged = [...failed, ...(await publishing)];
    await server.end("SIGKILL");
    await listener.end("SIGKILL");
    [server, listener] = await Promise.all([startServer(home), listenAs(developerOf(round + 1))]);
  }
  await listener.until(() => listener.said("ended").length > 0);
  expect(await listener.end("SIGINT")).toBe(0);
  // By the next server's clock the leases of those that were killed have lapsed.
  await server.end("SIGKILL");
  server = await startServer(home, ["--no-sample"], `${CLOCK}?ahead-ms=${LEASE_MS}`);
  await untilAtRest(home, server.url);
  expect(await server.end("SIGTERM")).toBe(0);

  expect(await statusesIn(home)).toEqual({ done: EVENTS });
  const database = new DatabaseSync(join(home, "effects.db"), { readOnly: true });
  const one = (sql: string) => Object.values({ ...database.prepare(sql).get() })[0];
  expect(one("SELECT count(*) FROM effects")).toBe(EVENTS);
  // What was run again was another attempt.
  expect(one("SELECT count(*) - count(DISTINCT key || attempt) FROM runs")).toBe(0);
  expect(one("SELECT count(DISTINCT alias) FROM runs WHERE alias <> 'stable'")).toBe(KILLS + 1);
  expect(one("SELECT count(DISTINCT key) FROM runs WHERE alias <> 'stable'")).toBeGreaterThan(EVENTS / 10);
  expect(one("SELECT count(DISTINCT key) FROM runs WHERE alias = 'stable'")).toBeGreaterThan(EVENTS / 10);
  database.close();
});

const developerOf = (round: number) => `dev-${round}`;

function eventsOf(round: number): number[] {
  const first = round * PER_ROUND;
  return Array.from({ length: Math.max(0, Math.min(PER_ROUND, EVENTS - first)) }, (_, n) => first + n);
}

async function aHome() {
  const home = temporaryFolder();
  const folder = join(home, "code");
  const EFFECTS = join(home, "effects.db");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.mjs"), CODE);
  const effects = new DatabaseSync(EFFECTS);
  effects.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE runs (key TEXT, alias TEXT, attempt INTEGER);
    CREATE TABLE effects (key TEXT PRIMARY KEY)`);
  effects.close();
  const state = openEmbeddedState(home, { create: true });
  await state.catalog.publish({ component: "listened", source: folder, now: new Date() });
  await state.catalog.moveAlias("listened", "stable", "1", null);
  const component = Component.parse({
    name: "listened",
    pattern: { source: ["killed"] },
    aliases: { stable: {} },
    retry: { maxAttempts: 50, baseDelayMs: 20, maxDelayMs: 200 },
    worker: { environment: { EFFECTS } },
  });
  const meta = { changeId: randomUUID(), who: "ada", why: "a test", command: "test", at: new Date() };
  await changeRoutes(state.routingTable, { edit: { kind: "apply component", component }, ...meta });
  state.close();
  return { home, folder };
}

function clientOf(endpoint: string): EventBridgeClient {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  return new EventBridgeClient({ endpoint, region: "local", credentials, maxAttempts: 1 });
}

/** Publishes over four lanes. Returns what wasn't acknowledged. */
async function published(client: EventBridgeClient, batches: number[][]): Promise<number[]> {
  const failed: number[] = [];
  const left = [...batches];
  const lane = async () => {
    for (let batch = left.shift(); batch !== undefined; batch = left.shift())
      failed.push(...(await put(client, batch)));
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return failed;
}

/** Publishes ten events. Returns those that were not acknowledged, for whatever reason: they are put again. */
async function put(client: EventBridgeClient, batch: number[]): Promise<number[]> {
  const Entries = batch.map((n) => ({
    Source: "killed",
    DetailType: "tick",
    Detail: JSON.stringify({
      metadata: { idempotencyKey: `event-${n}`, user: developerOf(Math.floor(n / PER_ROUND)) },
      n,
    }),
  }));
  try {
    const answer = await client.send(new PutEventsCommand({ Entries }));
    return batch.filter((_, index) => answer.Entries?.[index]?.EventId === undefined);
  } catch {
    return batch;
  }
}

function inTens(numbers: number[]): number[][] {
  return Array.from({ length: Math.ceil(numbers.length / 10) }, (_, index) =>
    numbers.slice(index * 10, index * 10 + 10),
  );
}

async function statusesIn(home: string): Promise<Record<string, number>> {
  const state = openEmbeddedState(home, { create: false });
  const keys = new Set<string>();
  for await (const page of state.events.records({ from: new Date(0), to: new Date(8.64e15) }, new Date())) {
    for (const { eventKey } of page) keys.add(eventKey);
  }
  const statuses: Record<string, number> = {};
  for (const { status } of [...(await state.events.deliveriesOf([...keys])).values()].flat())
    statuses[status] = (statuses[status] ?? 0) + 1;
  state.close();
  return statuses;
}
