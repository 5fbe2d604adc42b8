import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { Component } from "../../shared/domain/routing/component.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { publishLoad } from "./publish-load.ts";
import { startServer } from "./server.ts";

const COMPONENT = "release-coordinator";
const CUSTOMERS = 40;
const [OLD, NEW] = ["22", "23"];

/** What explains the failures, as `turnout failures --json` says it. */
const PAIR = [
  { of: "customer", value: "customer-7" },
  { of: "path", path: ["detail", "repository", "private"], value: true },
];

const GOOD = "export const handler = async () => null;\n";
const BAD = `export const handler = async ({ detail }) => {
  if (detail.metadata.customer === "customer-7" && detail.repository.private) throw new TypeError("no token");
};
`;

/** A state in which version 23 is on beta, fails for private repositories of one customer, and every second customer is on it. */
export async function aFailingCustomer(home: string): Promise<void> {
  const state = openEmbeddedState(home, { create: true });
  for (let version = 1; version <= Number(NEW); version++) {
    const source = join(home, `code-${version}`);
    mkdirSync(source);
    writeFileSync(join(source, "index.mjs"), `${version === Number(NEW) ? BAD : GOOD}// ${version}\n`);
    await state.catalog.publish({ component: COMPONENT, source, now: new Date() });
  }
  await state.catalog.moveAlias(COMPONENT, "stable", OLD, null);
  await state.catalog.moveAlias(COMPONENT, "beta", NEW, null);
  const component = Component.parse({
    name: COMPONENT,
    pattern: { source: ["github.com"] },
    aliases: { stable: {}, beta: {} },
    retry: { maxAttempts: 1 },
  });
  const pin = { alias: "beta", who: "bench", why: "bench", at: new Date().toISOString() };
  const edits: RoutingEdit[] = [
    { kind: "apply component", component },
    ...Array.from({ length: CUSTOMERS / 2 }, (_, n): RoutingEdit => {
      const id = `customer-${2 * n + 1}`;
      return { kind: "pin", level: "customer", id, component: COMPONENT, pin };
    }),
  ];
  for (const edit of edits) {
    const said = { who: "bench", why: "bench", command: "bench", at: new Date() };
    await changeRoutes(state.routingTable, { edit, changeId: randomUUID(), ...said });
  }
  state.close();
}

/** Publishes events of all customers to a running server. */
export async function publishOfAll(url: string, events: number, perSecond?: number): Promise<void> {
  const speed = perSecond === undefined ? {} : { perSecond };
  const { accepted } = await publishLoad(url, events, entryOf, { connections: 4, ...speed });
  if (accepted !== events) throw new Error(`${events - accepted} events were refused`);
}

function entryOf(n: number): object {
  const below = (count: number) => Math.floor(Math.random() * count);
  const repository = { private: Math.random() < 0.4, size: below(1_000), language: ["go", "c", "ts"][below(3)] };
  const labels = Array.from({ length: below(3) }, () => ["bug", "docs", "ci"][below(3)]);
  const metadata = { customer: `customer-${below(CUSTOMERS)}`, idempotencyKey: `key-${n}` };
  const detail = { repository, labels, sender: { id: below(300) }, ref: `b-${below(20)}`, metadata };
  const type = ["push", "release", "issues"][below(3)];
  return { Source: "github.com", DetailType: type, Detail: JSON.stringify(detail) };
}

/** What `turnout failures` says, as a process of its own: whether exactly what fails comes first, and how much it names. */
export async function foundFailures(home: string): Promise<{ isFirst: boolean; named: number; said: string }> {
  const run = promisify(execFile);
  const env = { ...process.env, TURNOUT_HOME: home };
  const { stdout } = await run(process.execPath, ["scripts/turnout.ts", "failures", COMPONENT, "--json"], { env });
  const found = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { traits: unknown });
  return { isFirst: JSON.stringify(found[0]?.traits) === JSON.stringify(PAIR), named: found.length, said: stdout };
}

const SECONDS = 60;
const PER_SECOND = 200;

/** How soon `turnout failures` names the one customer and the one value that a version fails for, with real processes. */
export async function benchFailingCustomer(): Promise<void> {
  console.log(
    `Version ${NEW} fails for private repositories of one of ${CUSTOMERS} customers, ${PER_SECOND} events/s for ${SECONDS} s`,
  );
  const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const home = join(folder, "state");
  await aFailingCustomer(home);
  const server = await startServer(home);
  try {
    const began = performance.now();
    let isOver = false;
    const publishing = publishOfAll(server.url, SECONDS * PER_SECOND, PER_SECOND).then(() => (isOver = true));
    let first: number | undefined;
    while (!isOver) {
      const asked = (performance.now() - began) / 1_000;
      const { isFirst } = await foundFailures(home);
      if (isFirst) first ??= asked;
      if (!isFirst) first = undefined;
      await delay(1_000);
    }
    await publishing;
    const { isFirst, named } = await foundFailures(home);
    const soon = first === undefined ? "" : `, and from ${first.toFixed(0)} s on at every look`;
    console.log(`  first of ${named} named: ${isFirst ? "exactly that pair" : "something else"}${soon}`);
  } finally {
    await server.end("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}
