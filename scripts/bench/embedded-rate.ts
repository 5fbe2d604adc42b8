import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Component } from "../../shared/domain/routing/component.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { processorSeconds } from "./processor-time.ts";
import { publishLoad } from "./publish-load.ts";
import { startServer } from "./server.ts";

export type EmbeddedFigures = {
  events: number;
  perSecond: number;
  /** Of the publisher, the server and its hosts; undefined where it can't be told. */
  processorMsPerEvent: number | undefined;
  /** From the publisher's clock at the send to the ledger's close, in ms. */
  p50: number;
  p99: number;
  max: number;
};

/**
 * Events sent before the measurement, and jobs of each peer; their number `n` is below 0. A server lives for weeks: what is
 * measured is what an event costs once the code that it runs through is compiled. After 5,000 V8 still compiles beside the
 * events for a fifth of what they cost; after 20,000 for next to nothing.
 */
export const WARM_UP = 20_000;

/** A body of about 1 KB. */
const FILLER = "x".repeat(800);

/**
 * Events through a real server process, its own front door, worker threads and a durable state file.
 * @param perSecond a steady rate; undefined for as fast as it goes
 * @param environment what else the server is told
 */
export async function benchEmbedded(
  events: number,
  perSecond?: number,
  environment: NodeJS.ProcessEnv = {},
): Promise<EmbeddedFigures> {
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  try {
    await setUpConsumer(home);
    const { url, end } = await startServer(home, environment);
    const entry = (n: number) => ({
      Source: "bench",
      DetailType: "tick",
      Detail: JSON.stringify({
        metadata: { customer: `customer-${Math.abs(n) % 1_000}` },
        n,
        sentAt: Date.now(),
        filler: FILLER,
      }),
    });
    // The versions' worker threads start with the first events; what is measured is the steady state after that.
    await publishLoad(url, WARM_UP, (n) => entry(-1 - n), { connections: 4 });
    await untilQueueIsEmpty(url);
    const before = processorSeconds([process.pid]);
    const start = performance.now();
    const { accepted } = await publishLoad(url, events, entry, {
      connections: 16,
      ...(perSecond === undefined ? {} : { perSecond }),
    });
    await untilQueueIsEmpty(url);
    const seconds = (performance.now() - start) / 1_000;
    const after = processorSeconds([process.pid]);
    const used = before === undefined || after === undefined ? undefined : after - before;
    const processorMsPerEvent = used === undefined ? undefined : (used / events) * 1_000;
    await end("SIGTERM");
    if (accepted !== events) throw new Error(`only ${accepted} of ${events} events were accepted`);
    return { events, perSecond: events / seconds, processorMsPerEvent, ...(await latencies(home, events)) };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const NOTHING = "export const handler = async () => null;\n";

/** A state with one component that takes every event and, if it isn't given other code, does nothing. */
export async function setUpConsumer(home: string, handler = NOTHING): Promise<void> {
  const code = join(home, "code");
  mkdirSync(code, { recursive: true });
  writeFileSync(join(code, "index.mjs"), handler);
  const state = openEmbeddedState(home, { create: true });
  const now = new Date();
  await state.catalog.publish({ component: "bench-consumer", source: code, now });
  await state.catalog.moveAlias("bench-consumer", "stable", "1", null);
  const component = Component.parse({
    name: "bench-consumer",
    pattern: { source: ["bench"] },
    aliases: { stable: {} },
  });
  await changeRoutes(state.routingTable, {
    edit: { kind: "apply component", component },
    changeId: "bench",
    who: "bench",
    why: "bench",
    command: "npm run bench",
    at: now,
  });
  state.close();
}

/** Waits until a running server's queue is empty: every event it accepted is then at rest in the store. */
export async function untilQueueIsEmpty(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/healthz`);
    const { queue } = (await answer.json()) as { queue?: { visible: number; inFlight: number } };
    // A server in trouble says so instead.
    const waiting = queue === undefined ? 1 : queue.visible + queue.inFlight;
    if (waiting === 0) return;
    // Counting a long queue costs the server time that belongs to the events; it takes far longer than this to empty.
    await new Promise((resolve) => setTimeout(resolve, Math.min(500, 20 + waiting / 20)));
  }
}

async function latencies(home: string, events: number): Promise<{ p50: number; p99: number; max: number }> {
  const state = openEmbeddedState(home, { create: false });
  const all: number[] = [];
  for await (const page of state.events.records({ from: new Date(0), to: new Date(8.64e15) }, new Date())) {
    const deliveries = await state.events.deliveriesOf(page.map(({ eventKey }) => eventKey));
    for (const { eventKey, body } of page) {
      const { n, sentAt } = (JSON.parse(body) as { detail: { n: number; sentAt: number } }).detail;
      if (n < 0) continue;
      for (const { status, closedAt } of deliveries.get(eventKey) ?? []) {
        if (status === "done" && closedAt !== undefined) all.push(closedAt.getTime() - sentAt);
      }
    }
  }
  state.close();
  if (all.length !== events) throw new Error(`only ${all.length} of ${events} events were delivered`);
  all.sort((a, b) => a - b);
  const at = (share: number) => all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
