import { DatabaseSync } from "node:sqlite";
import { TurnoutError } from "../domain/errors.ts";
import { bringUpToDate, refuseLayout } from "./bring-up-to-date.ts";
import {
  BUSY,
  damaged,
  explainErrors,
  explained,
  isDamage,
  NOT_ON_DISK,
  primaryCodeOf,
  troubled,
} from "./database-errors.ts";
import type { LogCopier } from "./log-copier.ts";
import { type LogSync, logSync } from "./log-sync.ts";

/**
 * Pages of 4 KiB that the write-ahead log gathers before they are copied into the file. SQLite's own 1,000 copies the
 * pages that every write touches, the queue's above all, many times a second; 8,000 took a fifth of the cost off an event.
 */
const CHECKPOINT_PAGES = 8_000;

/**
 * How often the log is copied beside the writes where that is done apart, in ms, and from how many pages on it is made to
 * begin anew. Well before the number above: that copy is made with the process standing still.
 */
const COPY_EVERY_MS = 250;
const LONG_PAGES = 2_000;

/**
 * How long the file rests between two transactions of a busy process, so that each carries more writes, in ms. Every one
 * costs the pages that all of them touch: without a rest a server with much to do makes 900 a second, of three writes
 * each, and with this one 200, of twenty. An event waits for it up to twice.
 */
const REST_MS = 2;

/**
 * How long a process counts as busy after a transaction that carried several writes, in ms. Whoever writes one by one
 * isn't held up.
 */
const BUSY_MS = 50;

const IN_MEMORY = ":memory:";

/** How long a write waits for another process that is writing, in ms. */
const BUSY_TIMEOUT_MS = 5_000;

/** The one SQLite file of embedded mode. The routing table, event store, queue and catalog keep their tables in it. */
export type Database = {
  /** For reads and for creating tables; sees what has been committed. */
  readonly connection: DatabaseSync;
  /**
   * Runs `work` in a transaction and resolves once it is on disk. Writes that were asked for in the same turn of the
   * event loop, or while another transaction is put on disk and in the 2 ms after it, share one transaction, and so one
   * fsync. The process goes on meanwhile, and reads what isn't on disk yet. `work` may run twice and must touch nothing but
   * the database.
   */
  write<T>(work: () => T): Promise<T>;
  /** That the file is damaged, once that was found; or why the last write could not be made. Undefined when all is well. */
  trouble(): TurnoutError | undefined;
  /** Notes what somebody else has found to be wrong with the file. */
  foundDamaged(how: string): void;
  /** Waits for nothing: writes still queued are refused. */
  close(): void;
};

export type DatabaseOptions = { upgrade?: boolean; waitForDisk?: LogSync; copier?: LogCopier | undefined };

/**
 * Opens (or creates) the state file, `:memory:` for tests. What a write has answered survives the loss of the process and
 * of power: it is in the write-ahead log, and that is on disk. Once the disk has failed to take it, nothing is written any
 * more: what comes after a gap in the log would be lost with it, whatever was answered.
 * @param waitForDisk how the log gets there; default: fdatasync
 * @param copier copies the log into the file again and again, beside the writes; for a process that writes much. Default:
 *   a commit does, once the log is long
 * @param upgrade brings a file of an older layout up to date. Only for a server that has the state folder to itself: an
 *   older one that runs would go on in a file that it doesn't know. Default: such a file is refused
 * @throws TurnoutError when the file can't be opened or written, or has a layout that this Turnout can't work with
 */
export function openDatabase(
  path: string,
  { upgrade = false, waitForDisk = logSync(path), copier }: DatabaseOptions = {},
): Database {
  let damage: TurnoutError | undefined;
  const connection = open(path, upgrade);
  explainErrors(connection, (error) => {
    const reason = explained(error, path);
    if (isDamage(error) && reason instanceof TurnoutError) damage ??= reason;
    return reason;
  });
  const isFile = path !== IN_MEMORY;
  const rest = isFile ? REST_MS : 0;
  const queue: QueuedWrite[] = [];
  let scheduled = false;
  let syncing = false;
  let restUntil = 0;
  let busyUntil = 0;
  let trouble: TurnoutError | undefined;
  let lost: Error | undefined;
  let copying = false;
  let copyAfter = 0;
  let isLong = false;

  function schedule(): void {
    if (scheduled || syncing || queue.length === 0) return;
    scheduled = true;
    const now = performance.now();
    if (now < Math.min(restUntil, busyUntil)) setTimeout(flush, Math.ceil(restUntil - now));
    // After the poll phase: every request that arrived in this turn gets into the same transaction.
    else setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    const writes = queue.splice(0);
    if (writes.length === 0) return;
    const { settled, problem } = runTogether(connection, writes, path);
    trouble = problem;
    const now = performance.now();
    restUntil = now + rest;
    if (writes.length > 1) busyUntil = now + BUSY_MS;
    if (isFile) void answerOnceOnDisk(settled);
    else for (const { answer } of settled) answer();
  }

  async function answerOnceOnDisk(settled: readonly Answered[]): Promise<void> {
    syncing = true;
    try {
      await waitForDisk.wait();
      for (const { answer } of settled) answer();
    } catch (error) {
      const reason = troubled(path, NOT_ON_DISK, error);
      lost = reason;
      trouble = reason;
      for (const { reject } of [...settled, ...queue.splice(0)]) reject(reason);
    }
    if (copier !== undefined && lost === undefined) await copyLog(copier);
    syncing = false;
    schedule();
  }

  /** Beside the writes, which leaves little to copy; and, if the log is long by then, once more before the next of them. */
  async function copyLog({ copy }: LogCopier): Promise<void> {
    if (copying || !connection.isOpen || performance.now() < copyAfter) return;
    copying = true;
    const copied = copy().then((pages) => {
      copying = false;
      isLong = !isLong && pages >= LONG_PAGES;
      if (!isLong) copyAfter = performance.now() + COPY_EVERY_MS;
    });
    if (isLong) await copied;
  }

  return {
    connection,
    write<T>(work: () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        if (!connection.isOpen) return reject(closed());
        if (lost !== undefined) return reject(lost);
        queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
        schedule();
      });
    },
    trouble: () => damage ?? trouble,
    foundDamaged(how) {
      damage ??= damaged(path, how);
    },
    close() {
      for (const { reject } of queue.splice(0)) reject(closed());
      connection.close();
      waitForDisk.close();
      copier?.close();
    },
  };
}

type QueuedWrite = { work: () => unknown; resolve: (value: unknown) => void; reject: (reason: unknown) => void };

/** A write that has been made or refused, and what tells its caller so. */
type Answered = { answer: () => void; reject: (reason: unknown) => void };

function closed(): TurnoutError {
  return new TurnoutError("failed", "The state file was closed.");
}

function open(path: string, upgrade: boolean): DatabaseSync {
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    refuseLayout(connection, path, upgrade);
    useWal(connection);
    connection.exec(
      `PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    );
    bringUpToDate(connection);
    return connection;
  } catch (error) {
    connection?.close();
    throw explained(error, path);
  }
}

/** Processes that open a new file together stand in each other's way at most this often. */
const MAX_WAL_TRIES = 100;

function useWal(connection: DatabaseSync): void {
  for (let tries = 1; ; tries++) {
    try {
      connection.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (primaryCodeOf(error) !== BUSY || tries === MAX_WAL_TRIES) throw error;
      // SQLite doesn't wait for whoever is making the same switch. It does wait here, until that one has finished.
      connection.exec("BEGIN IMMEDIATE; COMMIT");
    }
  }
}

/**
 * One transaction for all; if any of them fails, each gets a transaction of its own, so that one can't spoil another.
 * But not when another process holds the file: each would wait its full time for it, with the process standing still.
 * `problem`: what is wrong with the file, if that is why a write failed.
 */
function runTogether(
  connection: DatabaseSync,
  writes: QueuedWrite[],
  path: string,
): { settled: Answered[]; problem: TurnoutError | undefined } {
  try {
    const values = inTransaction(connection, () => writes.map(({ work }) => work()));
    const settled = writes.map(({ resolve, reject }, index) => ({ answer: () => resolve(values[index]), reject }));
    return { settled, problem: undefined };
  } catch (error) {
    if (writes.length === 1 || primaryCodeOf(error) === BUSY) {
      const reason = explained(error, path);
      const settled = writes.map(({ reject }) => ({ answer: () => reject(reason), reject: () => reject(reason) }));
      const isFiles = reason instanceof TurnoutError && primaryCodeOf(error) !== undefined;
      return { settled, problem: isFiles ? reason : undefined };
    }
    const each = writes.map((write) => runTogether(connection, [write], path));
    return {
      settled: each.flatMap(({ settled }) => settled),
      problem: each.find(({ problem }) => problem !== undefined)?.problem,
    };
  }
}

function inTransaction<T>(connection: DatabaseSync, work: () => T): T {
  connection.exec("BEGIN IMMEDIATE");
  try {
    const value = work();
    connection.exec("COMMIT");
    return value;
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}
