import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod/mini";
import { TurnoutError } from "../domain/errors.ts";
import { read, readJson } from "../domain/text/schema.ts";
import { makePrivateFile } from "../sqlite/state-folder.ts";

const RunningServer = z.object({ pid: z.int(), port: z.int() });
export type RunningServer = z.infer<typeof RunningServer>;

/** How long a starting server waits for the lock: a command that looks whether a server runs holds it for a moment. */
const LOCK_TIMEOUT_MS = 1_000;

/** SQLite's code for a file that another process has locked (sqlite.org/rescode). */
const BUSY = 5;

/**
 * Takes the state folder for one server. The lock is SQLite's own file lock, so the operating system lets go of it
 * when the process ends, however it ends.
 * @throws TurnoutError `conflict` when another server has it; `failed` when the lock file isn't one
 */
export function lockServer(home: string): { announce(port: number): void; release(): void } {
  makePrivateFile(lockFile(home));
  const lock = new DatabaseSync(lockFile(home), { timeout: LOCK_TIMEOUT_MS });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw notALock(home, error);
    const other = announced(home);
    const who = other === undefined ? "Another Turnout server" : `A Turnout server (process ${other.pid})`;
    const where = other === undefined ? "" : ` on port ${other.port}`;
    throw new TurnoutError(
      "conflict",
      `${who} runs${where} on the state folder ${home}. Stop it, or set TURNOUT_HOME to another folder.`,
      { cause: error },
    );
  }
  return {
    announce(port) {
      const text = JSON.stringify({ pid: process.pid, port } satisfies RunningServer);
      writeFileSync(announcementFile(home), text, { mode: 0o600 });
    },
    release() {
      rmSync(announcementFile(home), { force: true });
      lock.close();
    },
  };
}

/**
 * The server that runs on a state folder now, if any: none has a lock file that isn't one. Not to be called by the
 * server itself.
 */
export function runningServer(home: string): RunningServer | undefined {
  makePrivateFile(lockFile(home));
  const lock = new DatabaseSync(lockFile(home), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE; ROLLBACK");
    return undefined;
  } catch (error) {
    return isBusy(error) ? announced(home) : undefined;
  } finally {
    lock.close();
  }
}

function announced(home: string): RunningServer | undefined {
  try {
    const parsed = readJson(readFileSync(announcementFile(home), "utf8"));
    const server = parsed.ok ? read(RunningServer, parsed.value) : parsed;
    return server.ok ? server.value : undefined;
  } catch {
    // Locked but not announced yet: the server is starting.
    return undefined;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === BUSY;
}

function notALock(home: string, error: unknown): TurnoutError {
  const detail = error instanceof Error ? error.message : String(error);
  return new TurnoutError(
    "failed",
    `The lock file ${lockFile(home)} can't be used (${detail}). If no server runs on this folder, delete the file.`,
    { cause: error },
  );
}

const lockFile = (home: string) => join(home, "server.lock");
const announcementFile = (home: string) => join(home, "server.json");
