import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Component } from "../../shared/domain/routing/component.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { publishLoad } from "./publish-load.ts";
import { startServer } from "./server.ts";

const EVENTS = 500;
const PER_SECOND = 50;
const HELD = 10;

/** Says when it began, unless it is to wait until it is ended. */
const ON_LAPTOP = `export const handler = async ({ detail: { at } }) => {
  if (at === undefined) await new Promise(() => {});
  console.log("took", Date.now() - at);
};`;
const ON_STABLE = "export const handler = async () => {};";

/** From publishing to the developer's code, and from the end of a listener to everything done on the fallback. */
export async function benchListening(): Promise<void> {
  console.log("A listener on this machine, its customer's events one after the other");
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const server = await startServer(home);
  try {
    const folder = await prepare(home);
    const took = await publishedTo(home, server.url, folder);
    const at = (share: number) => took[Math.floor((took.length - 1) * share)];
    console.log(`  publish to handler, ${took.length} at ${PER_SECOND}/s: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const seconds = await untilDone(home, server.url, folder, signal);
      console.log(`  ${signal} with ${HELD} events in hand or waiting: all done on the fallback after ${seconds} s`);
    }
  } finally {
    await server.end("SIGTERM");
    rmSync(home, { recursive: true, force: true });
  }
}

async function prepare(home: string): Promise<string> {
  const folder = (name: string, code: string) => {
    const path = join(home, name);
    mkdirSync(path);
    writeFileSync(join(path, "index.mjs"), code);
    return path;
  };
  const state = openEmbeddedState(home, { create: false });
  const component = Component.parse({ name: "bench", pattern: { source: ["bench"] }, aliases: { stable: {} } });
  const about = { changeId: "bench", who: "bench", why: "bench", command: "bench", at: new Date() };
  await changeRoutes(state.routingTable, { ...about, edit: { kind: "apply component", component } });
  const source = folder("stable", ON_STABLE);
  const { version } = await state.catalog.publish({ component: "bench", source, now: new Date() });
  await state.catalog.moveAlias("bench", "stable", version.version);
  state.close();
  return folder("laptop", ON_LAPTOP);
}

type Said = { said?: string; text?: string };

async function startListener(home: string, folder: string, onSaid: (said: Said) => void) {
  const args = ["bin/start.js", "listen", "bench", folder, "--customer", "acme", "--yes", "--json"];
  const env = { PATH: process.env.PATH, TURNOUT_HOME: home };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  createInterface(child.stdout).on("line", (line) => onSaid(JSON.parse(line)));
  const exited = new Promise<void>((resolve) => void child.on("exit", () => resolve()));
  await new Promise<void>((resolve) => {
    child.stderr.on("data", (text) => {
      if (String(text).includes("listens as")) resolve();
    });
    void exited.then(resolve);
  });
  return { end: (signal: NodeJS.Signals) => child.kill(signal), exited };
}

function entryOf(about: object) {
  const Detail = JSON.stringify({ ...about, metadata: { customer: "acme" } });
  return { Source: "bench", DetailType: "listened", Detail };
}

async function publishedTo(home: string, url: string, folder: string): Promise<number[]> {
  const took: number[] = [];
  const all = Promise.withResolvers<void>();
  const listener = await startListener(home, folder, ({ said, text = "" }) => {
    const [, ms] = /^took (\d+)$/.exec(text) ?? [];
    if (said !== "printed" || ms === undefined) return;
    took.push(Number(ms));
    if (took.length === EVENTS) all.resolve();
  });
  for (let n = 0; n < EVENTS; n++) {
    await publishLoad(url, 1, () => entryOf({ at: Date.now(), n }), { connections: 1 });
    await delay(1_000 / PER_SECOND);
  }
  await all.promise;
  listener.end("SIGINT");
  await listener.exited;
  return took.sort((a, b) => a - b);
}

async function untilDone(home: string, url: string, folder: string, signal: NodeJS.Signals): Promise<string> {
  let arrived = 0;
  const listener = await startListener(home, folder, ({ said }) => {
    if (said === "arrived") arrived++;
  });
  await publishLoad(url, HELD, (n) => entryOf({ n, signal }), { connections: 1 });
  while (arrived === 0) await delay(50);
  const ended = performance.now();
  listener.end(signal);
  const state = openEmbeddedState(home, { create: false });
  const isOpen = async () => (await state.events.due(new Date(8e15), 1)).length > 0;
  while (await isOpen()) await delay(50);
  state.close();
  await listener.exited;
  return ((performance.now() - ended) / 1_000).toFixed(1);
}
