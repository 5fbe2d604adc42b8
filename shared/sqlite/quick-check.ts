import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { parentPort, Worker, workerData } from "node:worker_threads";
import type { Database } from "./database.ts";

/**
 * A check reads the whole file: 8 s per GB were measured on a busy machine with two cores. Up to this size, half a
 * second, it is made before anything else; a larger file is checked while the server runs.
 */
const CHECKED_FIRST_BYTES = 64 * 1_024 * 1_024;

/**
 * Looks for damaged pages. What is found is the database's `trouble`.
 * @returns resolves once the check is done, or will be in the background; what ends it before its time
 */
export async function quickCheck(database: Database, path: string, firstBytes = CHECKED_FIRST_BYTES) {
  const isLarge = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > firstBytes;
  const worker = new Worker(new URL(import.meta.url), { workerData: { checked: path } });
  const done = new Promise<void>((resolve) => {
    // Under `node --watch` Node itself posts here what the worker imports.
    worker.on("message", (said: unknown) => {
      if (typeof said === "string") database.foundDamaged(said);
    });
    // A check that can't be made is no finding: whatever stands in its way stands in the way of all else too.
    worker.on("error", () => resolve());
    worker.on("exit", () => resolve());
  });
  if (isLarge) worker.unref();
  else await done;
  return { done, stop: () => worker.terminate() };
}

/** What is wrong with the file; undefined when nothing is. */
function problemIn(path: string): string | undefined {
  const connection = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    const said = String(Object.values(connection.prepare("PRAGMA quick_check(1)").get() ?? {})[0]);
    return said === "ok" ? undefined : said.replaceAll(/\s+/g, " ").replace("*** in database main *** ", "");
  } catch (error) {
    if (error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 11) return error.message;
    throw error;
  } finally {
    connection.close();
  }
}

const { checked } = (workerData ?? {}) as { checked?: string };
if (parentPort !== null && checked !== undefined) {
  const problem = problemIn(checked);
  if (problem !== undefined) parentPort.postMessage(problem);
}
