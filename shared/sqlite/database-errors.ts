import type { DatabaseSync } from "node:sqlite";
import { TurnoutError } from "../domain/errors.ts";
import type { Remedy } from "../domain/remedy.ts";

/** Says of every statement that is prepared from now on what went wrong, in words that say what to do. */
export function explainErrors(connection: DatabaseSync, explain: (error: unknown) => unknown): void {
  const prepare = connection.prepare.bind(connection);
  const explaining = <F extends (...args: never[]) => unknown>(call: F) =>
    ((...args: Parameters<F>) => {
      try {
        return call(...args);
      } catch (error) {
        throw explain(error);
      }
    }) as F;
  connection.prepare = explaining((sql: string) => {
    const statement = prepare(sql);
    statement.get = explaining(statement.get.bind(statement) as typeof statement.get);
    statement.all = explaining(statement.all.bind(statement) as typeof statement.all);
    statement.run = explaining(statement.run.bind(statement) as typeof statement.run);
    const iterate = statement.iterate.bind(statement) as typeof statement.iterate;
    statement.iterate = function* (...args: Parameters<typeof iterate>) {
      try {
        yield* iterate(...args);
      } catch (error) {
        throw explain(error);
      }
    } as typeof statement.iterate;
    return statement;
  });
}

export const BUSY = 5;
const DAMAGED = 11;
const NOT_A_DATABASE = 26;

/** What is wrong with the file, and what to do about it. */
type Cause = readonly [problem: string, ...remedies: Remedy[]];

export const NOT_ON_DISK: Cause = [
  "could not be put on disk",
  "check the disk and restart the server (nothing that was acknowledged is lost)",
];

/** SQLite's result codes that say something about the machine rather than about the statement (sqlite.org/rescode). */
const CAUSES: Record<number, Cause> = {
  [BUSY]: ["is busy: another process has been writing for too long", "try again", "end the process that holds it"],
  8: ["can't be written", "check the permissions of the folder", "set TURNOUT_HOME to another one"],
  10: ["could not be read or written", "check the disk"],
  13: ["can't grow: the disk is full", "free some space (nothing that was acknowledged is lost)"],
  14: ["can't be opened", "check that the folder exists and may be written", "set TURNOUT_HOME to another one"],
  [NOT_A_DATABASE]: ["is not a Turnout state file", "move it away", "set TURNOUT_HOME to another folder"],
};

export function explained(error: unknown, path: string): unknown {
  if (error instanceof TurnoutError) return error;
  const code = primaryCodeOf(error);
  if (code === DAMAGED) return damaged(path, errorText(error), error);
  const known = code === undefined ? undefined : CAUSES[code];
  return known === undefined ? error : troubled(path, known, error);
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function troubled(path: string, [problem, ...remedies]: Cause, error: unknown): TurnoutError {
  const message = `The state file ${path} ${problem} (${errorText(error)}).`;
  return new TurnoutError("failed", message, { remedies, cause: error });
}

export function damaged(path: string, detail: string, cause?: unknown): TurnoutError {
  const remedies = [{ operation: "restore backup" }, "move the folder away to start afresh"] as const;
  return new TurnoutError("failed", `The state file ${path} is damaged (${detail}).`, { remedies, cause });
}

export function isDamage(error: unknown): boolean {
  return primaryCodeOf(error) === DAMAGED;
}

export function primaryCodeOf(error: unknown): number | undefined {
  const source = error instanceof TurnoutError ? error.cause : error;
  // The low byte; the others say more of the same.
  return typeof source === "object" && source !== null && "errcode" in source
    ? Number(source.errcode) & 0xff
    : undefined;
}
