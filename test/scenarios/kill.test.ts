import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { expect, onTestFinished, test } from "vitest";
import { startMoreSamples } from "../../scripts/embedded/more-samples.ts";
import { setUpSample } from "../../scripts/embedded/sample.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { untilAtRest } from "../support/at-rest.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const EVENTS = 700;
const KILLS = 8;
const PROJECTS = ["acme/site", "acme/api", "globex/shop", "initech/tps", "hooli/search", "umbrella/lab"];

/** Each event goes to three: the sample in JavaScript, a program, and a URL. */
const KINDS = 3;

test("a server killed at random moments loses no event, and every effect happens once, whatever the target", async () => {
  const random = seededRandom(20261121);
  const { home, previews } = await sampleHome();
  let server = await startServer(home);
  let client = clientOf(server.url);
  let unacknowledged = Array.from({ length: EVENTS }, (_, n) => n);
  let puts = 0;

  for (let kill = 0; unacknowledged.length > 0; kill++) {
    const dying = kill < KILLS;
    // Lets a part of the events through, then kills in the middle of the requests that are under way.
    const killAfter = Math.floor(random() * (EVENTS / KILLS / 15)) + 5;
    const failed: number[] = [];
    let answered = 0;
    const batches = inTens(unacknowledged);
    const publishers = [0, 1, 2, 3].map(async () => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
        puts += batch.length;
        failed.push(...(await put(client, batch)));
        answered += 1;
        if (dying && answered === killAfter) server.process.kill("SIGKILL");
        if (dying && answered >= killAfter) return;
      }
    });
    await Promise.all(publishers);
    unacknowledged = [...failed, ...batches.flat()];
    if (dying) {
      await server.end("SIGKILL");
      server = await startServer(home);
      client = clientOf(server.url);
    }
  }
  await untilAtRest(home, server.url);
  expect(await server.end("SIGTERM")).toBe(0);
  expect(puts).toBeGreaterThan(EVENTS);

  const { counting, statuses, effects } = await outcome(home);
  expect(statuses).toEqual(new Map([["done", KINDS * EVENTS]]));
  expect(counting).toEqual(new Map([[1, KINDS * EVENTS]]));
  expect(effects).toEqual({ keys: EVENTS, rows: EVENTS });
  expect(readdirSync(join(home, "samples/builder"))).toHaveLength(EVENTS);
  expect(previews()).toHaveLength(EVENTS);
});

/** The samples, of which the release coordinator, the builder and the preview server listen to pushes. */
async function sampleHome() {
  const home = temporaryFolder();
  const state = openEmbeddedState(home, { create: true });
  const now = () => new Date();
  await setUpSample(state, now, randomUUID);
  const { previews } = await startMoreSamples(state, now, randomUUID);
  onTestFinished(previews.close);
  const { components } = await state.routingTable.components();
  const server = components.find(({ name }) => name === "preview-server");
  const component = Component.parse({ ...server, pattern: { source: ["github.com"], "detail-type": ["push"] } });
  const meta = { changeId: randomUUID(), who: "a test", why: "a test", command: "test", at: now() };
  await changeRoutes(state.routingTable, { ...meta, edit: { kind: "apply component", component } });
  state.close();
  return { home, previews: previews.previews };
}

/** Publishes ten events. Returns those that were not acknowledged, for whatever reason: they are put again. */
async function put(client: EventBridgeClient, batch: number[]): Promise<number[]> {
  try {
    const answer = await client.send(new PutEventsCommand({ Entries: batch.map(entryOf) }));
    return batch.filter((_, index) => answer.Entries?.[index]?.EventId === undefined);
  } catch {
    return batch;
  }
}

function entryOf(n: number) {
  const sha = n.toString(16).padStart(40, "0");
  const time = new Date(Date.UTC(2026, 10, 20) + n * 1000).toISOString();
  return {
    Source: "github.com",
    DetailType: "push",
    Detail: JSON.stringify({
      metadata: { idempotencyKey: `push-${n}` },
      ref: "refs/heads/main",
      after: sha,
      head_commit: { id: sha, timestamp: time },
      repository: {
        full_name: PROJECTS[n % PROJECTS.length],
        default_branch: "main",
        pushed_at: Date.parse(time) / 1000,
      },
    }),
  };
}

/** What the state says once everything is at rest: from records and ledger, and from the sample's own effects. */
async function outcome(home: string) {
  const state = openEmbeddedState(home, { create: false });
  const counting = new Map<number, number>();
  const statuses = new Map<string, number>();
  const recordsOf = new Map<string, number[]>();
  for await (const page of state.events.records({ from: new Date(0), to: new Date(8.64e15) }, new Date())) {
    for (const { eventKey, t0 } of page) recordsOf.set(eventKey, [...(recordsOf.get(eventKey) ?? []), t0.getTime()]);
  }
  const deliveries = await state.events.deliveriesOf([...recordsOf.keys()]);
  for (const [eventKey, times] of recordsOf) {
    for (const entry of deliveries.get(eventKey) ?? []) {
      statuses.set(entry.status, (statuses.get(entry.status) ?? 0) + 1);
      const matching = times.filter((t0) => t0 === entry.t0.getTime()).length;
      counting.set(matching, (counting.get(matching) ?? 0) + 1);
    }
  }
  state.close();
  const sample = new DatabaseSync(join(home, "samples", "release-coordinator.db"), { readOnly: true });
  const effects = sample.prepare("SELECT count(*) AS rows, count(DISTINCT idempotency_key) AS keys FROM effects").get();
  sample.close();
  return { counting, statuses, effects: { ...effects } };
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
