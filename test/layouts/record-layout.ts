/*
 * Makes `layout-<N>.json.zst`: a state folder with a bit of everything, as the Turnout of this working copy stores it.
 * To be run once for each layout, when the next one begins, on the last commit that has it:
 *
 *   node test/layouts/record-layout.ts <N>
 */
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { sampleBodies, setUpSample } from "../../scripts/embedded/sample.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { allOf, writeRecorded } from "./recorded-state.ts";

/** Of the sample's 329 events every eighth. */
const EVERY = 8;

const RC = "release-coordinator";

/** Fails as the event says. */
const MAILER = `export async function handler({ detail }) {
  if (detail.fails !== undefined) throw Object.assign(new Error("the mailbox is full"), { name: detail.fails });
  if (detail.hangs) await new Promise((resolve) => setTimeout(resolve, 60_000));
  return { mailed: detail.order };
}`;

const components = [
  {
    name: "shop-mailer",
    pattern: { source: ["shop"], "detail-type": ["order placed"] },
    aliases: { stable: {}, beta: {} },
    retry: { maxAttempts: 3, baseDelayMs: 43_200_000, maxDelayMs: 43_200_000, nonRetryableErrors: ["Hopeless"] },
  },
  {
    name: "shop-auditor",
    pattern: { source: ["shop"], "detail-type": ["order placed"] },
    aliases: { stable: {} },
    invocation: { kind: "async" },
  },
];

const folder = mkdtempSync(join(tmpdir(), "turnout-layout-"));
const home = join(folder, "state");

/** Of a replay of what is dead some may be dead again: partly done, exit code 7. */
function turnout(...args: string[]): void {
  const env = { PATH: process.env.PATH, TURNOUT_HOME: home };
  const { status, stderr } = spawnSync(process.execPath, ["bin/start.js", ...args], { env, encoding: "utf8" });
  if (status !== 0 && status !== 7) throw new Error(`turnout ${args.join(" ")} ended with ${status}: ${stderr}`);
}

const change = (...args: string[]) => turnout(...args, "--reason", "for the record", "--yes");

/** Starts the server; answers its URL, and what ends it in the middle of everything. */
async function serve() {
  const env = { PATH: process.env.PATH, TURNOUT_HOME: home, TURNOUT_PORT: "0" };
  const child = spawn(process.execPath, ["scripts/embedded.ts", "--no-sample"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      const found = /listens on (\S+?),/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const kill = async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return { url, kill };
}

async function publish(url: string, details: object[], type = "order placed"): Promise<void> {
  const Entries = details.map((detail) => ({ Source: "shop", DetailType: type, Detail: JSON.stringify(detail) }));
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" },
    body: JSON.stringify({ Entries }),
  });
  if (!response.ok) throw new Error(await response.text());
}

function order(n: number, about: object = {}): object {
  return { order: n, metadata: { idempotencyKey: `order-${n}`, customer: "acme", project: "acme/site" }, ...about };
}

/** So many bytes that can't be compressed, the same in every run. */
function noise(bytes: number): string {
  let [text, seed] = ["", 7];
  while (text.length < bytes) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    text += String.fromCharCode(33 + ((seed >>> 8) % 90));
  }
  return text.replaceAll("\\", "_").replaceAll('"', "_");
}

async function main(layout: number): Promise<void> {
  const state = openEmbeddedState(home, { create: true });
  await setUpSample(state, () => new Date(), randomUUID);
  const sample = sampleBodies(new Date()).filter((_, index) => index % EVERY === 0);
  await state.queue.send(sample, new Date());
  state.close();
  const code = join(folder, "code");
  mkdirSync(code);
  for (const component of components) {
    change("component", "apply", writeJson(component));
    for (const version of ["1", "2"]) {
      writeFileSync(join(code, "index.mjs"), `// version ${version}\n${MAILER}\n`);
      change("publish-version", component.name, code, "--alias", "stable");
    }
  }
  change("alias", "set", "shop-mailer", "beta", "1");
  change("promote", RC, "beta", "stable");
  change("rollback", RC, "stable");
  change("cohort", "create", "staff", "--description", "who tries things first");
  change("cohort", "add", "staff", "--project", "acme/site", "--customer", "hooli");
  change("cohort-route", "set", RC, "staff", "--to", "beta");
  change("rollout", "set", "shop-mailer", "--to", "beta", "--share", "25%", "--by", "customer");
  change("pin", "--plan", "free", "--component", RC, "--to", "experimental", "--for", "3650d");
  change("all-stable", "shop-mailer");
  change(
    "source",
    "apply",
    writeJson({ source: "shop", retentionDays: 14, retentionDaysByType: { "order placed": 3_650 } }, "source"),
  );

  const first = await serve();
  await publish(
    first.url,
    [0, 1, 2].map((n) => order(n)),
  );
  await publish(first.url, [order(3, { fails: "Flaky" }), order(4, { fails: "Hopeless" })]);
  await publish(first.url, [order(5, { text: "much the same ".repeat(2_000) })]);
  await publish(first.url, [order(6, { text: noise(385_000) })]);
  await publish(first.url, [order(0, { another: "payload" }), order(1)]);
  await publish(first.url, [{ nobody: "listens" }], "order seen");
  await untilAtRest(first.url);
  change("replay", "start", "--since", "1h", "--component", "shop-mailer", "--status", "done", "--name", "again");
  change(
    "replay",
    "start",
    "--since",
    "1h",
    "--component",
    "shop-mailer",
    "--status",
    "dead",
    "--mode",
    "finish",
    "--name",
    "finish",
  );
  await first.kill();

  const second = await serve();
  change("replay", "start", "--since", "1h", "--component", RC, "--rate", "1", "--detach", "--name", "interrupted");
  await publish(second.url, [order(7, { hangs: true })]);
  await delay(1_500);
  await second.kill();

  const recorded = openEmbeddedState(home, { create: false });
  const at = new Date();
  await recorded.queue.send(
    [8, 9].map((n) => envelope(order(n))),
    at,
  );
  recorded.database.connection.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  const read = await allOf(recorded, at);
  recorded.close();
  process.stdout.write(`${writeRecorded(home, { layout, at: at.toISOString(), read })}\n`);
  rmSync(folder, { recursive: true });
}

function envelope(detail: object): string {
  const time = new Date().toISOString();
  const fixed = { version: "0", account: "000000000000", region: "local", resources: [] };
  return JSON.stringify({ ...fixed, id: randomUUID(), source: "shop", "detail-type": "order placed", time, detail });
}

function writeJson(content: object, name = "component"): string {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

async function untilAtRest(url: string): Promise<void> {
  for (;;) {
    const { queue } = (await (await fetch(`${url}/healthz`)).json()) as { queue: Record<string, number> };
    if (queue.visible === 0 && queue.inFlight === 0) return;
    await delay(50);
  }
}

await main(Number(process.argv[2]));
