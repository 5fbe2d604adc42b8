import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { LAYOUT, NewerLayout } from "../../shared/domain/layout.ts";
import { lockServer } from "../../shared/installation/server-lock.ts";
import { isFilled, makeStateFolder } from "../../shared/sqlite/state-folder.ts";
import { BACKUP_ID, type BackupEntry, endBackup, readBackup, settle } from "./backup-file.ts";

export type Restored = { madeAt: Date; events: number; missing: string[]; replaced?: string };

/** What a restore puts in place, the state file last: until it is there, the folder is refused as one that lost it. */
const PARTS = ["bodies", "versions", "state.db"] as const;
const STATE = [...PARTS, "state.db-wal", "state.db-shm"];

/**
 * Makes a state folder of a backup, after all of it has been checked. What a crash leaves is refused by whoever opens
 * it, and may be restored again.
 * @param replace what is in the folder is moved into a folder `replaced-…` of it; without it such a folder is refused
 * @throws TurnoutError `conflict` when there is a state already, or a server runs on it; `failed` when the backup is
 *   damaged or isn't one
 */
export function restoreBackup(file: string, home: string, { replace, now }: { replace: boolean; now: Date }): Restored {
  const path = resolve(file);
  if (!existsSync(path)) throw new TurnoutError("not found", `There is no file ${path}.`);
  makeStateFolder(home);
  const lock = lockServer(home);
  const work = join(home, "restoring");
  try {
    const there = STATE.filter((name) => isFilled(join(home, name)));
    if (there.length > 0 && !replace) {
      throw new TurnoutError(
        "conflict",
        `${home} has a state already (${there.join(", ")}). Name another TURNOUT_HOME, or add --replace to move it aside.`,
      );
    }
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { mode: 0o700 });
    const restored = unpack(path, work);
    const replaced = there.length === 0 ? undefined : join(home, `replaced-${now.toISOString().replace(/[:.]/g, "-")}`);
    if (replaced !== undefined) mkdirSync(replaced, { mode: 0o700 });
    // The state file goes first and comes last.
    for (const name of STATE.toReversed()) moveAway(join(home, name), replaced && join(replaced, name));
    for (const name of PARTS) if (existsSync(join(work, name))) renameSync(join(work, name), join(home, name));
    settle(home);
    return { ...restored, ...(replaced && { replaced }) };
  } catch (error) {
    if (!(error instanceof Error && "errcode" in error)) throw error;
    throw new TurnoutError("failed", `${path} can't be read as a backup (${error.message}).`, { cause: error });
  } finally {
    rmSync(work, { recursive: true, force: true });
    lock.release();
  }
}

function unpack(path: string, work: string): Restored {
  const file = join(work, "state.db");
  copyFileSync(path, file);
  chmodSync(file, 0o600);
  const copy = new DatabaseSync(file);
  try {
    refuseOther(copy, path);
    const { madeAt, missing, entries } = readBackup(copy);
    for (const entry of entries()) writeEntry(work, entry, path);
    refuseIncomplete(copy, work, missing, path);
    const events = Number(copy.prepare("SELECT count(*) AS n FROM event_records").get()?.n);
    endBackup(copy);
    return { madeAt, events, missing };
  } finally {
    copy.close();
    settle(file);
  }
}

function refuseOther(copy: DatabaseSync, path: string): void {
  const { application_id: id } = copy.prepare("PRAGMA application_id").get() ?? {};
  if (id !== BACKUP_ID) throw new TurnoutError("failed", `${path} isn't a backup of 'turnout backup'.`);
  const layout = Number(copy.prepare("PRAGMA user_version").get()?.user_version);
  if (layout > LAYOUT) throw new NewerLayout(`The backup ${path}`, layout);
  const said = String(Object.values(copy.prepare("PRAGMA integrity_check(1)").get() ?? {})[0]);
  if (said !== "ok") throw damaged(path, said);
}

function writeEntry(work: string, entry: BackupEntry & { content(): Generator<Uint8Array> }, from: string): void {
  const { path, kind, sha256 } = entry;
  // Whatever a file says that somebody has made by hand, nothing is written elsewhere.
  if (!/^(bodies|versions)\//.test(path) || path.split("/").some((part) => part === ".." || part === "")) {
    throw damaged(from, `it names ${path}`);
  }
  const place = join(work, path);
  const hash = createHash("sha256");
  mkdirSync(kind === "folder" ? place : dirname(place), { recursive: true, mode: 0o700 });
  if (kind === "file" || kind === "executable") {
    const out = openSync(place, "wx", 0o600);
    for (const part of entry.content()) {
      hash.update(part);
      writeSync(out, part);
    }
    closeSync(out);
    // Versions are never changed: as they are published.
    if (path.startsWith("versions/")) chmodSync(place, kind === "executable" ? 0o500 : 0o400);
  } else {
    const text = Buffer.concat([...entry.content()]);
    hash.update(text);
    if (kind === "link" && hash.copy().digest("hex") === sha256) symlinkSync(text.toString(), place);
  }
  if (hash.digest("hex") !== sha256) throw damaged(from, `${path} isn't what was stored`);
  if (kind !== "link") settle(place);
}

/** Everything that the rows name is there, or was missing when the backup was made. */
function refuseIncomplete(copy: DatabaseSync, work: string, missing: readonly string[], from: string): void {
  const { made_at: madeAt = 0 } = copy.prepare("SELECT made_at FROM backup_about").get() ?? {};
  const bodies = copy.prepare("SELECT body_key FROM event_records WHERE body_key IS NOT NULL AND expires_at > ?");
  const named = [
    ...bodies.all(Number(madeAt)).map(({ body_key: key }) => `bodies/${key}`),
    ...copy
      .prepare("SELECT component, number FROM versions")
      .all()
      .map((row) => `versions/${row.component}/${row.number}`),
  ];
  const known = new Set(missing);
  const lost = named.find((path) => !known.has(path) && !existsSync(join(work, path)));
  if (lost !== undefined) throw damaged(from, `${lost} isn't in it`);
}

function moveAway(path: string, to: string | undefined): void {
  if (!existsSync(path)) return;
  if (to === undefined) rmSync(path, { recursive: true });
  else renameSync(path, to);
}

function damaged(path: string, how: string): TurnoutError {
  return new TurnoutError("failed", `The backup ${path} is damaged: ${how}. Nothing was restored; take another one.`);
}
