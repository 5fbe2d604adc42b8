import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TurnoutError } from "../../shared/domain/errors.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { settle, startBackup } from "./backup-file.ts";

export type BackedUp = {
  file: string;
  bytes: number;
  events: number;
  bodies: number;
  versions: number;
  missing: string[];
};

type Home = Pick<EmbeddedState, "home" | "database">;

/** How often a version may be deleted while the backup copies it. */
const MAX_TRIES = 5;

/**
 * Writes everything that is stored to one file, as of one moment: all that was acknowledged before the call, while
 * servers and commands go on. The file is there whole or not at all. Standing still meanwhile: nobody but this process.
 * @throws TurnoutError `conflict` when there is such a file already; `failed` when it can't be written or the state is
 *   damaged
 */
export function backUp(state: Home, file: string, now: Date): BackedUp {
  const path = resolve(file);
  if (existsSync(path)) throw new TurnoutError("conflict", `${path} is there already. Name another file.`);
  const unfinished = `${path}.${randomUUID().slice(0, 8)}.unfinished`;
  try {
    for (let tries = 1; ; tries++) {
      const copied = copyAll(state, unfinished, now);
      if (copied !== undefined) {
        settle(unfinished);
        renameSync(unfinished, path);
        settle(dirname(path));
        return { file: path, bytes: statSync(path).size, ...copied };
      }
      if (tries === MAX_TRIES) {
        throw new TurnoutError("conflict", "Versions were deleted again and again during the backup. Try again later.");
      }
      rmSync(unfinished);
    }
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new TurnoutError("failed", `The backup ${path} can't be written (${error.message}).`, { cause: error });
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Undefined when a version went while it was copied: its row goes before its folder. */
function copyAll(
  { home, database }: Home,
  unfinished: string,
  now: Date,
): Omit<BackedUp, "file" | "bytes"> | undefined {
  closeSync(openSync(unfinished, "wx", 0o600));
  // The rows first and then the files that they name. A file is there before the row that names it, and a body stays for
  // a day longer than its row is read; so that nothing is missing that this moment's rows name, whatever comes or goes.
  database.connection.prepare("VACUUM INTO ?").run(unfinished);
  const copy = new DatabaseSync(unfinished);
  try {
    const backup = startBackup(copy, now);
    copy.exec("BEGIN");
    const missing: string[] = [];
    const lacks = (path: string) => {
      missing.push(path);
      backup.addMissing(path);
    };
    const bodies = copy.prepare("SELECT body_key, expires_at FROM event_records WHERE body_key IS NOT NULL").all();
    for (const { body_key: key, expires_at: expires } of bodies) {
      const path = `bodies/${key}`;
      if (existsSync(join(home, path))) backup.addFile(path, "file", join(home, path));
      else if (Number(expires) > now.getTime()) lacks(path);
    }
    const versions = copy.prepare("SELECT component, number FROM versions").all();
    const isThere = database.connection.prepare("SELECT 1 FROM versions WHERE component = ? AND number = ?");
    for (const { component, number } of versions) {
      const path = `versions/${component}/${number}`;
      const whole = addFolder(backup, home, path);
      if (isThere.get(String(component), Number(number)) === undefined) return undefined;
      if (!whole) lacks(path);
    }
    copy.exec("COMMIT");
    const said = String(Object.values(copy.prepare("PRAGMA quick_check(1)").get() ?? {})[0]);
    if (said !== "ok") throw new TurnoutError("failed", `The copy of the state file is damaged: ${said}.`);
    const events = Number(copy.prepare("SELECT count(*) AS n FROM event_records").get()?.n);
    return { events, bodies: bodies.length, versions: versions.length, missing };
  } finally {
    copy.close();
  }
}

/** False when something of it isn't there. */
function addFolder(backup: ReturnType<typeof startBackup>, home: string, path: string): boolean {
  try {
    backup.addText(path, "folder", "");
    for (const name of readdirSync(join(home, path)).sort()) {
      const inside = `${path}/${name}`;
      const found = lstatSync(join(home, inside));
      if (found.isDirectory()) {
        if (!addFolder(backup, home, inside)) return false;
      } else if (found.isSymbolicLink()) backup.addText(inside, "link", readlinkSync(join(home, inside)));
      else backup.addFile(inside, (found.mode & 0o111) === 0 ? "file" : "executable", join(home, inside));
    }
    return true;
  } catch (error) {
    if (isFileError(error) && error.code === "ENOENT") return false;
    throw error;
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
