import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { TurnoutError } from "../domain/errors.ts";

/** What Turnout keeps in its state folder. */
const OWN =
  /^(state\.db(-wal|-shm)?|server\.(lock|lock-journal|json)|console-tokens\.(json(\.new)?|lock(-journal)?)|bodies|versions|logs|samples|restoring|replaced-.*)$/;

const FOR_OTHERS = 0o077;

/**
 * Makes the state folder where it isn't there, for its owner alone: events have names and addresses in them. One that
 * others may look into is closed to them, and refused when other things are in it, which may be theirs.
 * @throws TurnoutError `failed` when it can't be made or closed; `not allowed` when other things are in it
 */
export function makeStateFolder(home: string): void {
  attempt(() => mkdirSync(home, { recursive: true, mode: 0o700 }), `The state folder ${home} can't be made`);
  const names = attempt(() => readdirSync(home), `The state folder ${home} can't be read`);
  if (isLoose(home)) {
    const others = names.filter((name) => !OWN.test(name));
    if (others.length > 0) throw shared(home, others);
    close(home);
  }
  for (const name of names.filter((each) => OWN.test(each) && isLoose(join(home, each)))) close(join(home, name));
}

/** Makes an empty file for its owner alone, for whoever would make it for all; leaves one that is there. */
export function makePrivateFile(path: string): void {
  attempt(() => closeSync(openSync(path, "a", 0o600)), `${path} can't be made`);
}

/**
 * A new state file beside bodies and versions would look like a state that has lost all its events and routing.
 * @throws TurnoutError `failed` when the state file has gone from beside what belongs to it
 */
export function refuseVanished(home: string): void {
  const file = join(home, "state.db");
  if (isFilled(file)) return;
  const left = ["bodies", "versions", "state.db-wal"].filter((name) => isFilled(join(home, name)));
  if (left.length === 0) return;
  throw new TurnoutError(
    "failed",
    `The state file ${file} is missing or empty, and what belongs to it is still there: ${left.join(", ")}.`,
    { remedies: [{ operation: "restore backup" }, "put the file back", "move these away to start afresh"] },
  );
}

/** Whether there is such a file or folder with anything in it. */
export function isFilled(path: string): boolean {
  const found = attempt(() => statSync(path, { throwIfNoEntry: false }), "The state folder can't be read");
  if (found === undefined) return false;
  return found.isDirectory() ? readdirSync(path).length > 0 : found.size > 0;
}

function isLoose(path: string): boolean {
  // What has gone meanwhile is a temporary file of SQLite's.
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & FOR_OTHERS) !== 0;
}

function close(path: string): void {
  attempt(
    () => chmodSync(path, statSync(path).mode & 0o700),
    `${path} may be read by others, and can't be closed to them`,
  );
}

function shared(home: string, others: readonly string[]): TurnoutError {
  const named = `${others.slice(0, 3).join(", ")}${others.length > 3 ? ", …" : ""}`;
  return new TurnoutError(
    "not allowed",
    `The state folder ${home} may be read by others, and has other things in it (${named}). Set TURNOUT_HOME to a ` +
      `folder of its own, or close this one with 'chmod 700'.`,
  );
}

function attempt<T>(work: () => T, problem: string): T {
  try {
    return work();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const remedy = "Run this as the user that Turnout runs as, or set TURNOUT_HOME to another folder";
    throw new TurnoutError("failed", `${problem} (${detail}). ${remedy}.`, { cause: error });
  }
}
