import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { setUpConsumer } from "../../scripts/bench/embedded-rate.ts";
import { untilAtRest } from "../support/at-rest.ts";
import { aCli } from "../support/cli-process.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const EVENTS = 150;

/** Longer than a write waits for another process. */
const LOCKED_MS = 7_000;

/** From the end of a trouble to everything delivered, on a machine that is busy, too. Hidden messages would take 5,400. */
const SOON_S = 600;

/** Notes every run outside of the state, and is slow enough for events to be on their way when the trouble begins. */
const consumer = (runs: string) => `
import { appendFileSync } from "node:fs";
export const handler = async ({ detail, turnout }) => {
  await new Promise((resolve) => setTimeout(resolve, 60));
  appendFileSync(${JSON.stringify(runs)}, detail.n + " " + turnout.generation + "\\n");
};
`;

test("a server whose state file is locked, then can't grow, then lacks a body loses no event and hides none", async () => {
  const home = temporaryFolder();
  const runs = join(temporaryFolder(), "runs.txt");
  writeFileSync(runs, "");
  await setUpConsumer(home, consumer(runs));
  const server = await startServer(home, ["--no-sample"], "./test/support/full-disk.ts");
  const { url, process: child } = server;
  const { json, turnout } = aCli(home);
  const acknowledged = new Set<string>();
  const seconds: Record<string, number> = {};

  /** Publishes them, ten a request, as a publisher who keeps what is refused. Returns these. */
  async function publish(ns: readonly string[], filler = "x".repeat(2_000), type = "tick"): Promise<string[]> {
    const refused: string[] = [];
    for (let first = 0; first < ns.length; first += 10) {
      const batch = ns.slice(first, first + 10);
      const details = batch.map((n) => JSON.stringify({ n, filler }));
      const taken = await put(url, type, details);
      for (const n of batch) {
        if (taken) acknowledged.add(n);
        else refused.push(n);
      }
    }
    return refused;
  }
  const health = async () => (await fetch(`${url}/healthz`)).status;
  /** The checker: each event that was acknowledged has run in this generation, by the consumer's own account. */
  const missing = (generation: string, but: readonly string[] = []) => {
    const ran = new Set(readFileSync(runs, "utf8").split("\n"));
    return [...acknowledged].filter((n) => !but.includes(n) && !ran.has(`${n} ${generation}`));
  };
  async function delivered(trouble: string): Promise<void> {
    const ended = performance.now();
    await untilAtRest(home, url);
    seconds[trouble] = (performance.now() - ended) / 1_000;
    expect([trouble, missing("live")]).toEqual([trouble, []]);
    expect(await health()).toBe(200);
  }

  // Another process holds the file.
  expect(await publish(numbered("locked"))).toEqual([]);
  const other = new DatabaseSync(join(home, "state.db"), { timeout: 60_000 });
  other.exec("BEGIN IMMEDIATE");
  await delay(LOCKED_MS);
  // It may be waiting for the lock itself, which it gives up after a while.
  expect(await health()).toBe(503);
  // Whatever doctor itself can read meanwhile, it asks the server.
  const [told] = (await turnout(["doctor", "--json"])).stdout.split("\n").filter((line) => line.includes('"server"'));
  expect(JSON.parse(told ?? "")).toMatchObject({ status: "problem", found: expect.stringContaining("is busy") });
  other.exec("COMMIT");
  other.close();
  await delivered("locked");

  // The disk is full. What is refused is its publisher's, and is published again.
  expect(await publish(numbered("before"))).toEqual([]);
  child.send("full");
  await once(child, "message");
  const refused = await publish(numbered("full"));
  expect(refused.length).toBeGreaterThan(0);
  // A write that needs no room may be made in between, and then all seems well until the next one that does.
  const saysSo = async () => (await (await fetch(`${url}/healthz`)).text()).includes("the disk is full");
  for (let n = 0; !(await saysSo()); n++) refused.push(...(await publish([`filling-${n}`], "x".repeat(200_000))));
  child.send("freed");
  await once(child, "message");
  expect(await publish(refused)).toEqual([]);
  await delivered("full");

  // A body is lost, and then found again.
  for (const n of ["large-1", "large-2", "large-3"]) {
    expect(await publish([n], randomBytes(500_000).toString("base64"), "large")).toEqual([]);
  }
  await delivered("large");
  const bodies = join(home, "bodies");
  const [lost = ""] = readdirSync(bodies);
  renameSync(join(bodies, lost), join(home, "bodies.lost"));
  const listed = await json(["events", "--limit", "1000"]);
  expect(listed).toHaveLength(acknowledged.size);
  expect(listed.filter(({ error_type }) => error_type === "BodyUnavailable")).toHaveLength(1);
  const replay = [
    "replay",
    "start",
    "--since",
    "1h",
    "--pattern",
    '{"detail-type":["large"]}',
    "--reason",
    "a test",
    "--yes",
  ];
  expect(await turnout([...replay, "--name", "without"])).toMatchObject({ code: 0 });
  const small = [...acknowledged].filter((n) => !n.startsWith("large-"));
  expect(missing("without", small)).toEqual([expect.stringMatching(/^large-/)]);
  renameSync(join(home, "bodies.lost"), join(bodies, lost));
  const found = performance.now();
  expect(await turnout([...replay, "--name", "with"])).toMatchObject({ code: 0 });
  seconds.found = (performance.now() - found) / 1_000;
  expect(missing("with", small)).toEqual([]);

  expect(await server.end("SIGTERM")).toBe(0);
  console.log(`seconds from the end of each trouble to everything delivered: ${JSON.stringify(seconds)}`);
  for (const each of Object.values(seconds)) expect(each).toBeLessThan(SOON_S);
});

function numbered(name: string): string[] {
  return Array.from({ length: EVENTS }, (_, n) => `${name}-${n}`);
}

/** Whether they were taken; all are, or none. */
async function put(url: string, type: string, details: readonly string[]): Promise<boolean> {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" };
  const Entries = details.map((Detail) => ({ Source: "bench", DetailType: type, Detail }));
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ Entries }) });
  const told = (await answer.json()) as { Entries?: { EventId?: string }[] };
  return told.Entries?.every(({ EventId }) => EventId !== undefined) ?? false;
}
