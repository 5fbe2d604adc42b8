import { mkdtempSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { handler as handler22 } from "../../../functions/samples/release-coordinator/version-22.ts";
import { handler as handler23 } from "../../../functions/samples/release-coordinator/version-23.ts";
import { handler as handler24 } from "../../../functions/samples/release-coordinator/version-24.ts";
import { aCheckSuite, aPush, routed, shaOf } from "./webhook-builders.ts";

const context = {};
const a = shaOf("a");
let folder: string;
let statePath: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "release-coordinator-"));
  statePath = join(folder, "state.sqlite");
  vi.stubEnv("RELEASE_COORDINATOR_STATE", statePath);
  vi.spyOn(console, "log").mockImplementation(() => undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function rows(sql: string) {
  const database = new DatabaseSync(statePath);
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

test("an event delivered twice has one effect, and the repeat is counted", async () => {
  const push = routed(aPush(a, 1), "push-1");
  expect(await handler22(push, context)).toEqual({
    project: "acme/site",
    release: a,
    changed: true,
    why: "aaaaaaa: no checks seen",
  });
  expect(await handler23(push, context)).toEqual({
    project: "acme/site",
    release: a,
    changed: false,
    why: "already handled by version 22",
  });
  expect(rows("SELECT idempotency_key, generation, component_version, project, event_type, seen FROM effects")).toEqual(
    [
      {
        idempotency_key: "push-1",
        generation: "live",
        component_version: "22",
        project: "acme/site",
        event_type: "push",
        seen: 2,
      },
    ],
  );
  expect(rows("SELECT chosen_by_version FROM projects")).toEqual([{ chosen_by_version: "22" }]);
});

test("a replay's generation has an effect of its own", async () => {
  await handler23(routed(aPush(a, 1), "push-1"), context);
  await handler22(routed(aPush(a, 1), "push-1", "replay-7"), context);
  expect(rows("SELECT generation, component_version, seen FROM effects ORDER BY generation")).toEqual([
    { generation: "live", component_version: "23", seen: 1 },
    { generation: "replay-7", component_version: "22", seen: 1 },
  ]);
  expect(rows("SELECT chosen_by_version FROM projects")).toEqual([{ chosen_by_version: "22" }]);
});

test("an event without a router is told by its own id", async () => {
  const { turnout: _, ...bare } = routed(aPush(a, 1), "push-1");
  await handler22(bare, context);
  expect(rows("SELECT idempotency_key, generation FROM effects")).toEqual([
    { idempotency_key: "event-push-1", generation: "live" },
  ]);
});

test("an event without a repository has an effect but no release", async () => {
  const result = await handler22(routed({ eventType: "installation", detail: {} }, "installation-1"), context);
  expect(result).toEqual({ project: null, release: null, changed: false, why: "the event names no repository" });
  expect(rows("SELECT project FROM effects")).toEqual([{ project: null }]);
});

test("a version logs one line of JSON per event", async () => {
  const result = await handler24(routed(aPush(a, 1), "push-1"), context);
  const lines = vi.mocked(console.log).mock.calls.map(([line]) => JSON.parse(String(line)));
  expect(result.explanation).toBe("Released is aaaaaaa: no checks seen.");
  expect(lines).toEqual([expect.objectContaining({ component_version: "24", seen: 1, commit: a, ...result })]);
});

test("every handler takes an event and a context", () => {
  expect([handler22, handler23, handler24].map((handler) => handler.length)).toEqual([2, 2, 2]);
});

test("a version fails with the name of the setting that is missing", async () => {
  vi.stubEnv("RELEASE_COORDINATOR_STATE", "");
  await expect(handler22(routed(aPush(a, 1), "push-1"), context)).rejects.toThrow(
    /RELEASE_COORDINATOR_STATE is not set/,
  );
});

test("a version fails for an event that a repeat could not be told from", async () => {
  const event = { ...routed(aPush(a, 1), "push-1"), id: "", turnout: {} };
  await expect(handler22(event, context)).rejects.toThrow(/neither turnout.idempotencyKey nor an id/);
});

test("workers of three versions, run from copies of the folder, share one state without losing an event", async () => {
  const source = join(import.meta.dirname, "../../../functions/samples/release-coordinator");
  const events = Array.from({ length: 40 }, (_, n) =>
    routed(n % 2 === 0 ? aPush(shaOf("abcdef"[(n / 2) % 6] ?? "a"), n) : aCheckSuite(a, n, "success", n), `event-${n}`),
  );
  const workers = ["22", "23", "24"].map(async (version) => {
    const copy = join(folder, `version-${version}`);
    await cp(source, copy, { recursive: true });
    return handleInWorker(join(copy, `version-${version}.ts`), events);
  });
  expect(await Promise.all(workers)).toEqual([40, 40, 40]);

  const seenBy = rows("SELECT component_version, seen FROM effects") as { component_version: string; seen: number }[];
  expect(seenBy).toHaveLength(40);
  expect(seenBy.every(({ seen }) => seen === 3)).toBe(true);
  expect(rows("SELECT count(*) AS n FROM commits")).toEqual([{ n: 6 }]);
  expect(rows("SELECT json_array_length(checks) AS n FROM commits WHERE sha LIKE 'aa%'")).toEqual([{ n: 20 }]);
});

/** Hands the events to a handler in a worker thread of plain Node, and answers how many it handled. */
function handleInWorker(module: string, events: readonly object[]): Promise<number> {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(workerData.url).then(async ({ handler }) => {
      let handled = 0;
      for (const event of workerData.events) { await handler(event, {}); handled += 1; }
      parentPort.postMessage(handled);
    });`;
  const worker = new Worker(code, {
    eval: true,
    execArgv: ["--no-warnings"],
    stdout: true,
    env: { RELEASE_COORDINATOR_STATE: statePath },
    workerData: { url: pathToFileURL(module).href, events },
  });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the worker ended with ${code} before it answered`)));
  });
}
