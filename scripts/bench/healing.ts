import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";
import { freePort } from "./free-port.ts";
import { startServer } from "./server.ts";

const COMPONENT = "release-coordinator";
const CUSTOMERS = 60;
const PROJECTS_EACH = 20;
const PER_SECOND = 200;
const EVERY_MS = 50;

/** What is known of before, and how long it is waited for all to be well again. */
const BEFORE_MS = 45_000;
const AT_MOST_MS = 240_000;
const BUDGET_SECONDS = 120;

const [STABLE, BAD] = ["1", "2"];
const GOOD_CODE = "export const handler = async () => null;\n";
const BAD_CODE = `export const handler = async ({ detail }) => {
  if (Number(detail.metadata.customer.split("-")[1]) % 3 === 0) throw new TypeError("no token");
  return null;
};
`;

/** When the whole server is killed, by surprise. */
type KillAt = "never" | "the trip" | "the replay";

type Healing = {
  /** Seconds from the first event that failed on the bad version. */
  tripped: number;
  rolledBack: number;
  healed: number;
  affected: number;
  /** Of those affected, the ones that were done, and once only. */
  doneOnce: number;
  events: number;
};

/**
 * A server under a steady load whose beta, with a share of 5 % of all projects and a guard of mode `undo`, goes to a
 * version that fails always for every third customer. Nobody types anything.
 */
async function healing(killAt: KillAt): Promise<Healing> {
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const state = await aGuardedBeta(home);
  const port = await freePort();
  const start = () => startServer(home, { TURNOUT_PORT: String(port) });
  let server = await start();
  const load = steadyLoad(server.url);
  try {
    await delay(BEFORE_MS);
    const by = { who: "bench", why: "faster rule", command: "bench", at: new Date() };
    const move = { component: COMPONENT, alias: "beta", from: STABLE, to: BAD };
    await moveAlias({ ...state, table: state.routingTable, newId: randomUUID }, { move, kind: "promote", ...by });
    let killed = killAt === "never";
    const end = Date.now() + AT_MOST_MS;
    for (let healed = false; !healed; await delay(100)) {
      if (Date.now() > end) throw new Error("it wasn't healed in time");
      const trip = (await state.watches.watches()).find(({ version }) => version === BAD)?.trip;
      const replay = trip?.replay === undefined ? undefined : await state.replays.get(trip.replay);
      if (!killed && (killAt === "the trip" ? trip !== undefined : (replay?.progress.counts.sent ?? 0) > 0)) {
        killed = true;
        await server.end("SIGKILL");
        server = await start();
      }
      healed = trip?.stage === "ended" && replay?.progress.endedAt !== undefined;
    }
    const events = await load.stop();
    return { ...(await figuresOf(state)), events };
  } finally {
    await load.stop();
    await server.end("SIGTERM");
    state.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function aGuardedBeta(home: string): Promise<EmbeddedState> {
  const state = openEmbeddedState(home, { create: true });
  for (const [n, text] of [GOOD_CODE, BAD_CODE].entries()) {
    const source = join(home, `code-${n}`);
    mkdirSync(source);
    writeFileSync(join(source, "index.mjs"), text);
    await state.catalog.publish({ component: COMPONENT, source, now: new Date() });
  }
  for (const alias of ["stable", "beta"]) await state.catalog.moveAlias(COMPONENT, alias, STABLE, null);
  const said = { who: "bench", why: "bench", at: new Date().toISOString() };
  const component = Component.parse({
    name: COMPONENT,
    pattern: { source: ["bench"] },
    aliases: { stable: {}, beta: {} },
    retry: { maxAttempts: 2, baseDelayMs: 1_000 },
    rollout: { alias: "beta", basisPoints: 500, by: "project", salt: "healing" },
    guards: { beta: { mode: "undo", ...said } },
  });
  await changeRoutes(state.routingTable, {
    edit: { kind: "apply component", component },
    ...{ changeId: randomUUID(), who: "bench", why: "bench", command: "bench", at: new Date() },
  });
  return state;
}

/** Publishes evenly, and again what a server that was killed has not taken: a publisher keeps what isn't accepted. */
function steadyLoad(url: string): { stop(): Promise<number> } {
  let [sent, stopped] = [0, false];
  const send = async (first: number) => {
    const Entries = Array.from({ length: (PER_SECOND * EVERY_MS) / 1_000 }, (_, n) => entryOf(first + n));
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" };
    for (;;) {
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ Entries }) }).catch(() => null);
      if (answer?.ok) return;
      await delay(100);
    }
  };
  const under = new Set<Promise<void>>();
  const run = async () => {
    const begun = Date.now();
    for (let batch = 0; !stopped; batch++) {
      const one = send(sent).finally(() => under.delete(one));
      under.add(one);
      sent += (PER_SECOND * EVERY_MS) / 1_000;
      await delay(Math.max(0, begun + (batch + 1) * EVERY_MS - Date.now()));
    }
    await Promise.all(under);
  };
  const running = run();
  return {
    async stop() {
      stopped = true;
      await running;
      return sent;
    },
  };
}

function entryOf(n: number): object {
  const customer = `customer-${n % CUSTOMERS}`;
  const project = `${customer}/project-${Math.floor(n / CUSTOMERS) % PROJECTS_EACH}`;
  const metadata = { customer, project, idempotencyKey: `key-${n}` };
  return { Source: "bench", DetailType: "tick", Detail: JSON.stringify({ metadata, n }) };
}

async function figuresOf({ events, routingTable, watches }: EmbeddedState): Promise<Omit<Healing, "events">> {
  const affected: LedgerEntry[] = [];
  for await (const page of events.records({ from: new Date(0), to: new Date(8.64e15) }, new Date())) {
    const entries = await events.deliveriesOf(page.map(({ eventKey }) => eventKey));
    for (const entry of [...entries.values()].flat()) if (entry.attempts.some(hasFailed)) affected.push(entry);
  }
  const first = Math.min(
    ...affected.flatMap(({ attempts }) => attempts.filter(hasFailed).map(({ at }) => at.getTime())),
  );
  const after = (at: Date | undefined) => ((at?.getTime() ?? Number.NaN) - first) / 1_000;
  const trip = (await watches.watches()).find(({ version }) => version === BAD)?.trip;
  const log = await routingTable.changesAfter(0, 100);
  const back = log.find(({ move }) => move?.kind === "rollback" && move.stage === "settled");
  const last = Math.max(...affected.map(({ closedAt }) => closedAt?.getTime() ?? Number.POSITIVE_INFINITY));
  const isDoneOnce = ({ status, attempts }: LedgerEntry) =>
    status === "done" && attempts.filter(({ outcome }) => outcome === "done").length === 1;
  return {
    tripped: after(trip && new Date(trip.at)),
    rolledBack: after(back?.at),
    healed: after(new Date(last)),
    affected: affected.length,
    doneOnce: affected.filter(isDoneOnce).length,
  };
}

function hasFailed({ outcome, version }: LedgerEntry["attempts"][number]): boolean {
  return version === BAD && (outcome === "failed" || outcome === "dead");
}

export async function benchHealing(): Promise<void> {
  console.log(
    `Self-healing, embedded, ${PER_SECOND} events/s of ${CUSTOMERS} customers: a version fails always for a third of them, ` +
      `on 5 % of the projects\n(budget: ${BUDGET_SECONDS} s from the first failure to the last affected event done, nobody at a keyboard)`,
  );
  for (const killAt of ["never", "the trip", "the replay"] as const) {
    const { tripped, rolledBack, healed, affected, doneOnce, events } = await healing(killAt);
    const share = ((100 * affected) / events).toFixed(2);
    console.log(
      `  ${killAt === "never" ? "undisturbed" : `server killed at ${killAt}`}: tripped after ${tripped.toFixed(1)} s, ` +
        `rolled back after ${rolledBack.toFixed(1)} s, healed after ${healed.toFixed(1)} s; ` +
        `${affected} of ${events} events failed (${share} %), ${doneOnce} of them done, once each`,
    );
  }
}
