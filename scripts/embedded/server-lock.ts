import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TurnoutError } from "../../shared/domain/errors.ts";

export type RunningServer = { pid: number; port: number };

/** How long a starting server waits for the lock: a command that looks whether a server runs holds it for a moment. */
const LOCK_TIMEOUT_MS = 1_000;

/**
 * Takes the state folder for one server. The lock is SQLite's own file lock, so the operating system lets go of it
 * when the process ends, however it ends.
 * @throws TurnoutError `conflict` when another server has it
 */
export function lockServer(home: string): { announce(port: number): void; release(): void } {
  const lock = new DatabaseSync(lockFile(home), { timeout: LOCK_TIMEOUT_MS });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
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
      writeFileSync(announcementFile(home), JSON.stringify({ pid: process.pid, port } satisfies RunningServer));
    },
    release() {
      rmSync(announcementFile(home), { force: true });
      lock.close();
    },
  };
}

/** The server that runs on a state folder now, if any. Not to be called by the server itself. */
export function runningServer(home: string): RunningServer | undefined {
  const lock = new DatabaseSync(lockFile(home), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE; ROLLBACK");
    return undefined;
  } catch {
    return announced(home);
  } finally {
    lock.close();
  }
}

function announced(home: string): RunningServer | undefined {
  try {
    return JSON.parse(readFileSync(announcementFile(home), "utf8")) as RunningServer;
  } catch {
    // Locked but not announced yet: the server is starting.
    return undefined;
  }
}

const lockFile = (home: string) => join(home, "server.lock");
const announcementFile = (home: string) => join(home, "server.json");
