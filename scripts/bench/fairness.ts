import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { publishLoad } from "./publish-load.ts";
import { startServer } from "./server.ts";

/** How long a version takes that is slow. */
const SLOW_MS = 2_000;

/** What quiet customers publish meanwhile. */
const QUIET_EVENTS = 1_000;
const QUIET_PER_SECOND = 200;

/** What disturbs them, published as fast as it goes, at the same time. */
export type Disturbance = { events: number; alias: "stable" | "slow" | "broken" };

const DISTURBANCES: (Disturbance & { name: string })[] = [
  { name: "nothing else", events: 0, alias: "stable" },
  { name: "a flood of 20,000 events of one customer", events: 20_000, alias: "stable" },
  { name: `2,000 events for a version that takes ${SLOW_MS} ms`, events: 2_000, alias: "slow" },
  { name: "2,000 events for a version that fails", events: 2_000, alias: "broken" },
];

const CODE = {
  stable: "export const handler = async () => null;\n",
  slow: `export const handler = () => new Promise((resolve) => setTimeout(resolve, ${SLOW_MS}));\n`,
  broken: 'export const handler = async () => { throw new Error("down"); };\n',
};

/** Prints how long quiet customers' events take from publish to done, alone and beside what disturbs them. */
export async function benchFairness(): Promise<void> {
  console.log(`Fairness, embedded: ${QUIET_PER_SECOND} events/s of 50 quiet customers, published to done, beside`);
  let alone: number | undefined;
  for (const disturbance of DISTURBANCES) {
    const { p50, p99, leftOver } = await besideQuietCustomers(disturbance, QUIET_EVENTS);
    alone ??= p99;
    const ratio = `${(p99 / alone).toFixed(1)} × alone`;
    const left = disturbance.events === 0 ? "" : `; ${leftOver} of the others still under way when they are done`;
    console.log(`  ${disturbance.name}: p50 ${p50} ms, p99 ${p99} ms (${ratio})${left}`);
  }
}

/** How long the quiet customers' events take, in ms, and how many of the others aren't at rest when they are done. */
async function besideQuietCustomers(
  { events, alias }: Disturbance,
  quietEvents: number,
): Promise<{ p50: number; p99: number; leftOver: number }> {
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  try {
    await setUp(home, alias);
    const { url, end } = await startServer(home);
    const entry = (customer: string, n: number) => ({
      Source: "bench",
      DetailType: "tick",
      Detail: JSON.stringify({ metadata: { customer, idempotencyKey: `${customer} ${n}` }, sentAt: Date.now() }),
    });
    await publishLoad(url, 200, (n) => entry("warm-up", n), { connections: 4 });
    const flood = publishLoad(url, events, (n) => entry("noisy", n), { connections: 4 });
    await publishLoad(url, quietEvents, (n) => entry(quiet(n), n), { connections: 2, perSecond: QUIET_PER_SECOND });
    await flood;
    const state = openEmbeddedState(home, { create: false });
    const keyOf = (customer: string, n: number) => eventKeyOf("bench", "tick", `${customer} ${n}`);
    const took = await untilDone(
      state,
      Array.from({ length: quietEvents }, (_, n) => keyOf(quiet(n), n)),
    );
    const noisy = await state.events.deliveriesOf(Array.from({ length: events }, (_, n) => keyOf("noisy", n)));
    const done = [...noisy.values()].flat().filter(({ status }) => status === "done" || status === "dead").length;
    state.close();
    await end("SIGKILL");
    const at = (share: number) => took[Math.floor((took.length - 1) * share)] ?? 0;
    return { p50: at(0.5), p99: at(0.99), leftOver: events - done };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function quiet(n: number): string {
  return `quiet-${n % 50}`;
}

/** From the event's arrival to its close, in ms, in ascending order, once all are done. */
async function untilDone(state: ReturnType<typeof openEmbeddedState>, keys: readonly string[]): Promise<number[]> {
  for (;;) {
    const entries = [...(await state.events.deliveriesOf(keys)).values()].flat();
    const took = entries.flatMap(({ status, closedAt, t0 }) =>
      status === "done" && closedAt !== undefined ? [closedAt.getTime() - t0.getTime()] : [],
    );
    if (took.length === keys.length) return took.sort((a, b) => a - b);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function setUp(home: string, alias: Disturbance["alias"]): Promise<void> {
  const state = openEmbeddedState(home, { create: true });
  const now = new Date();
  for (const name of ["stable", "slow", "broken"] as const) {
    const code = join(home, "code", name);
    mkdirSync(code, { recursive: true });
    writeFileSync(join(code, "index.mjs"), CODE[name]);
    const { version } = await state.catalog.publish({ component: "bench-consumer", source: code, now });
    await state.catalog.moveAlias("bench-consumer", name, version.version, null);
  }
  const component = Component.parse({
    name: "bench-consumer",
    pattern: { source: ["bench"] },
    aliases: { stable: {}, slow: {}, broken: {} },
  });
  const meta = { who: "bench", why: "bench", command: "npm run bench", at: now };
  await changeRoutes(state.routingTable, { edit: { kind: "apply component", component }, changeId: "1", ...meta });
  const pin = { alias, who: "bench", why: "bench", at: now.toISOString() };
  const edit = { kind: "pin", level: "customer", id: "noisy", component: component.name, pin } as const;
  await changeRoutes(state.routingTable, { edit, changeId: "2", ...meta });
  state.close();
}
