import type { DatabaseSync } from "node:sqlite";
import { TurnoutError } from "../domain/errors.ts";
import { LAYOUT, NewerLayout } from "../domain/layout.ts";
import { type LayoutStep, layoutSteps } from "./layout-steps.ts";

/** A file that nobody has written to yet. */
const NEW = 0;

/**
 * Refuses a file that this Turnout can't work with, before anything is written to it.
 * @param upgrade whether an older layout will be brought up to date
 * @throws TurnoutError `not allowed` for a newer layout, or an older one without `upgrade`; `failed` when no step leads
 *   on from its layout, or when it isn't a state file
 */
export function refuseLayout(connection: DatabaseSync, path: string, upgrade: boolean): void {
  // As of one moment: another process may be making the file.
  connection.exec("BEGIN");
  const layout = layoutOf(connection);
  const empty = isEmpty(connection);
  connection.exec("COMMIT");
  const file = `The state file ${path}`;
  if (layout === LAYOUT) return;
  if (layout > LAYOUT) throw new NewerLayout(file, layout);
  if (layout === NEW) {
    if (empty) return;
    throw new TurnoutError(
      "failed",
      `${path} is a SQLite database, but not a Turnout state file. Move it away, or set TURNOUT_HOME to another folder.`,
    );
  }
  if (layoutSteps[layout] === undefined) {
    throw new TurnoutError(
      "failed",
      `${file} has layout ${layout}, which was never released; this Turnout knows ${oldest()} to ${LAYOUT}.`,
      { remedies: [{ operation: "carry routing over" }] },
    );
  }
  if (upgrade) return;
  throw new TurnoutError(
    "not allowed",
    `${file} has layout ${layout}; this Turnout writes ${LAYOUT}. Stop the older server, keep a copy of the folder, ` +
      "and run this Turnout's 'npm start': it brings the file up to date. There is no way back but the copy.",
  );
}

/** Gives a new file its layout and takes an older one there, in one transaction: a crash leaves the one or the other. */
export function bringUpToDate(
  connection: DatabaseSync,
  steps: Readonly<Record<number, LayoutStep>> = layoutSteps,
): void {
  if (layoutOf(connection) === LAYOUT) return;
  connection.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have done it while this one waited.
    const from = layoutOf(connection);
    for (let layout = from; layout !== NEW && layout < LAYOUT; layout++) {
      const step = steps[layout];
      if (step === undefined) throw new RangeError(`no step leads from layout ${layout} to ${layout + 1}`);
      step(connection);
    }
    connection.exec(`PRAGMA user_version = ${LAYOUT}; COMMIT`);
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

function layoutOf(connection: DatabaseSync): number {
  return Number(connection.prepare("PRAGMA user_version").get()?.user_version);
}

function isEmpty(connection: DatabaseSync): boolean {
  return connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
}

function oldest(): number {
  return Math.min(...Object.keys(layoutSteps).map(Number));
}
