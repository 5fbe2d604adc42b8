import { DatabaseSync } from "node:sqlite";
import { parentPort, Worker, workerData } from "node:worker_threads";

/** Copies a write-ahead log into its database file. */
export type LogCopier = {
  /**
   * Copies what has been committed, and waits for the disk; others may write meanwhile. If nobody does, the log begins
   * anew with the next write. Not to be asked twice at once.
   * @returns how many pages the log has, copied or not. 0 where nothing could be copied: the next time is as good
   */
  copy(): Promise<number>;
  close(): void;
};

/** The first SQLite with which one connection may copy a log while another begins it anew: https://sqlite.org/wal.html#walresetbug */
const FIRST_SAFE = [3, 51, 3];

/** Whether this SQLite may copy a log beside writes. An earlier one can, very rarely, damage the file by it. */
export function mayCopyBeside(version = process.versions.sqlite ?? ""): boolean {
  const [found = 0] = version
    .split(".")
    .map((part, place) => Number(part) - (FIRST_SAFE[place] ?? 0))
    .filter((difference) => difference !== 0);
  return version !== "" && found >= 0;
}

/**
 * Copies in another thread: SQLite does it inside of the commit that finds the log long, and everything else in the process
 * then waits for the disk to take tens of megabytes.
 */
export function logCopier(path: string): LogCopier {
  let thread: Worker | undefined;
  let answer = (_pages: number) => {};

  function begin(): Worker {
    const begun = new Worker(new URL(import.meta.url), { workerData: { copied: path } });
    // Under `node --watch` Node itself posts here what the worker imports.
    begun.on("message", (said: unknown) => {
      if (typeof said === "number") answer(said);
    });
    begun.on("error", () => {});
    begun.on("exit", () => {
      if (thread === begun) thread = undefined;
      answer(0);
    });
    begun.unref();
    return begun;
  }

  return {
    copy() {
      thread ??= begin();
      const asked = thread;
      // Writes may wait for it, and while a server starts nothing else keeps its process.
      asked.ref();
      asked.postMessage("copy");
      return new Promise((resolve) => {
        answer = (pages) => {
          asked.unref();
          resolve(pages);
        };
      });
    },
    close: () => void thread?.terminate(),
  };
}

/** Its connection is there for as long as it copies: whoever closes the last one takes the log away with it. */
function copyLog(path: string): number {
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(path);
    return Number(connection.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()?.log);
  } catch {
    return 0;
  } finally {
    connection?.close();
  }
}

const { copied } = (workerData ?? {}) as { copied?: string };
if (parentPort !== null && copied !== undefined) {
  const port = parentPort;
  port.on("message", (asked: unknown) => {
    if (asked === "copy") port.postMessage(copyLog(copied));
  });
}
