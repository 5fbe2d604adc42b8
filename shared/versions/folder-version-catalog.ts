import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { mkdir, readdir, realpath, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { TurnoutError } from "../domain/errors.ts";
import { ComponentName } from "../domain/routing/component.ts";
import { filesOfHandler, readHandler } from "../domain/text/handler.ts";
import { read } from "../domain/text/schema.ts";
import { VERSION_FILE } from "../domain/text/version-file.ts";
import type { Database } from "../sqlite/database.ts";
import { unloadable } from "./unloadable-code.ts";
import type { LoadCode, NewCode, PublishedVersion, Version, VersionCatalog } from "./version-catalog.ts";
import { entryOf } from "./version-entry.ts";
import { type CodeFolder, codeSha256, copyCode, readCodeFolder } from "./version-folder.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS versions (
    component TEXT NOT NULL, number INTEGER NOT NULL, handler TEXT NOT NULL, code_sha256 TEXT NOT NULL,
    published_at INTEGER NOT NULL, description TEXT NOT NULL,
    PRIMARY KEY (component, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS version_aliases (
    component TEXT NOT NULL, alias TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (component, alias), FOREIGN KEY (component, number) REFERENCES versions
  ) STRICT, WITHOUT ROWID;
`;

/** A folder being published is named so until it has its number. */
const STAGED = ".publishing-";

/** What is older than this was left by a process that was killed while it copied. */
const ABANDONED_AFTER_MS = 3_600_000;

/** Where a version's code is and how it is entered, with the digest that it was published with. */
export type VersionCode = { version: string; folder: string; handler: string; codeSha256: string };

export type PublishRequest = {
  component: string;
  /** The folder with the code; it is copied. */
  source: string;
  /**
   * `folder/file.export` as on Lambda; the file may end in .js, .mjs, .cjs, .ts or .mts. Default: the command that the
   * folder's `version.json` names, else `index.handler`.
   */
  handler?: string;
  /** Default: the newest number plus one. */
  number?: number;
  description?: string;
  now: Date;
  /** Has to load the copy before it becomes a version, also one that it is already. Default: any code is published. */
  load?: LoadCode;
};

/** Versions as folders `<folder>/<component>/<number>/` that are never changed; what is known of them is in SQLite. */
export type FolderVersionCatalog = VersionCatalog & {
  /**
   * Makes a version of a folder's code, unless the newest version has the same code and handler. A crash leaves either
   * the whole version or none. Any number of processes may publish at once.
   * @throws TurnoutError `not found` without the folder; `usage` when it can't be a version, or the number isn't
   *   greater than the newest; `conflict` when the code changed while it was copied; `failed` when it can't be loaded
   */
  publish(request: PublishRequest): Promise<PublishedVersion>;
  /** The version that an alias points at; undefined when it points nowhere. One prepared read, about 5 µs. */
  resolve(component: string, alias: string): VersionCode | undefined;
  codeOf(component: string, version: string): Omit<VersionCode, "version"> | undefined;
  /** Deletes what publications of the component have left that were killed, once an hour has passed. @returns how many */
  removeAbandoned(component: string, now: Date): Promise<number>;
};

/** The catalog of embedded mode, in the shared state file and a folder beside it. */
export function folderVersionCatalog(database: Database, folder: string): FolderVersionCatalog {
  const home = resolve(folder);
  database.connection.exec(TABLES);
  const sql = prepareStatements(database);
  const codeOf = (component: string, row: Row): VersionCode => ({
    version: String(row.number),
    folder: join(home, component, String(row.number)),
    handler: String(row.handler),
    codeSha256: String(row.code_sha256),
  });
  const resolved = new Map<string, VersionCode>();
  const newestOf = (component: string) => sql.newest.get(component);

  /** Under the write lock: gives the copy its number and its row. */
  function enter(request: PublishRequest, handler: string, staged: { path: string; inode: number; sha: string }) {
    const { component, description = "", now } = request;
    const newest = newestOf(component);
    if (newest?.code_sha256 === staged.sha) return { version: versionOf(newest), isNew: false };
    const number = numberAfter(newest, request);
    putInPlace(staged, join(home, component), String(number));
    sql.insertVersion.run(component, number, handler, staged.sha, now.getTime(), description);
    const version = { version: String(number), codeSha256: staged.sha, publishedAt: now, description };
    return { version, isNew: true };
  }

  return {
    async versions(component) {
      return sql.versions.all(component).map(versionOf);
    },
    async aliases(component) {
      return sql.aliases.all(component).map(({ alias, number }) => ({ alias: String(alias), version: String(number) }));
    },
    async moveAlias(component, alias, version, expected) {
      const number = /^[1-9]\d{0,14}$/.test(version) ? Number(version) : 0;
      const moved = await database.write(() => {
        if (sql.version.get(component, number) === undefined) return undefined;
        const current = sql.aliased.get(component, alias)?.number ?? null;
        if (expected !== undefined && (current === null ? null : String(current)) !== expected) return false;
        sql.saveAlias.run(component, alias, number);
        resolved.clear();
        return true;
      });
      if (moved === undefined) throw noVersion(component, version, newestOf(component));
      return moved;
    },
    async removeVersion(component, version) {
      const row = sql.version.get(component, Number(version));
      if (row === undefined || String(row.number) !== version) return true;
      const isGone = await database.write(() => {
        if (sql.pointing.get(component, Number(version)) !== undefined) return false;
        sql.removeVersion.run(component, Number(version));
        return true;
      });
      // After its row: what a crash leaves of the folder is replaced by the next version of that number, or stays unused.
      if (isGone) await rm(join(home, checkedName(component), version), { recursive: true, force: true });
      return isGone;
    },
    resolve(component, alias) {
      const key = `${component} ${alias}`;
      const known = resolved.get(key);
      if (known !== undefined) return known;
      const row = sql.aliased.get(component, alias);
      if (row === undefined) return undefined;
      // Remembered for this turn of the event loop only: a router resolves an alias for every event that it sends.
      if (resolved.size === 0) setImmediate(() => resolved.clear());
      const code = codeOf(component, row);
      resolved.set(key, code);
      return code;
    },
    codeOf(component, version) {
      const row = sql.version.get(component, Number(version));
      if (row === undefined || String(row.number) !== version) return undefined;
      const { version: _, ...code } = codeOf(component, row);
      return code;
    },
    async removeAbandoned(component, now) {
      const versions = join(home, checkedName(component));
      return existsSync(versions) ? removeAbandoned(versions, now) : 0;
    },
    async publish(request) {
      const { component, source, now, load } = request;
      const refuseUnloadable = async (found: Omit<NewCode, "component">) => {
        const problem = await load?.({ component, ...found });
        if (problem !== undefined) throw unloadable(source, problem);
      };
      const versions = join(await madeFolder(home), checkedName(component));
      const code = await readCodeFolder(source, versions);
      const handler = await entryOf(code, request.handler);
      checkHandler(handler, code);
      const sha = await codeSha256(code, handler);
      const newest = newestOf(component);
      if (newest?.code_sha256 === sha) {
        await refuseUnloadable(codeOf(component, newest));
        return { version: versionOf(newest), isNew: false };
      }
      const version = String(numberAfter(newest, request));

      await mkdir(versions, { recursive: true, mode: 0o700 });
      await removeAbandoned(versions, now);
      const path = join(versions, STAGED + randomUUID());
      try {
        const copy = await copyCode(code, path);
        if ((await codeSha256(copy, handler)) !== sha) throw changedMeanwhile(source);
        await refuseUnloadable({ version, folder: path, handler, codeSha256: sha });
        const { ino: inode } = await stat(path);
        return await database.write(() => enter(request, handler, { path, inode, sha }));
      } finally {
        await rm(path, { recursive: true, force: true });
      }
    },
  };
}

type Row = Record<string, unknown>;

function prepareStatements({ connection }: Database) {
  return {
    versions: connection.prepare("SELECT * FROM versions WHERE component = ? ORDER BY number"),
    version: connection.prepare("SELECT number, handler, code_sha256 FROM versions WHERE component = ? AND number = ?"),
    newest: connection.prepare("SELECT * FROM versions WHERE component = ? ORDER BY number DESC LIMIT 1"),
    aliases: connection.prepare("SELECT alias, number FROM version_aliases WHERE component = ? ORDER BY alias"),
    aliased: connection.prepare(
      `SELECT number, handler, code_sha256 FROM version_aliases JOIN versions USING (component, number)
       WHERE component = ? AND alias = ?`,
    ),
    pointing: connection.prepare("SELECT alias FROM version_aliases WHERE component = ? AND number = ? LIMIT 1"),
    removeVersion: connection.prepare("DELETE FROM versions WHERE component = ? AND number = ?"),
    insertVersion: connection.prepare(
      `INSERT INTO versions (component, number, handler, code_sha256, published_at, description)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    saveAlias: connection.prepare(
      `INSERT INTO version_aliases (component, alias, number) VALUES (?, ?, ?)
       ON CONFLICT (component, alias) DO UPDATE SET number = excluded.number`,
    ),
  };
}

function versionOf(row: Row): Version {
  return {
    version: String(row.number),
    codeSha256: String(row.code_sha256),
    publishedAt: new Date(Number(row.published_at)),
    description: String(row.description),
  };
}

function numberAfter(newest: Row | undefined, { component, number }: PublishRequest): number {
  const last = Number(newest?.number ?? 0);
  if (number === undefined) return last + 1;
  if (Number.isSafeInteger(number) && number > last) return number;
  const least = last === 0 ? "1 or more" : `greater than the newest version of ${component}, which is ${last}`;
  throw new TurnoutError("usage", `Version number ${number} can't be used: it has to be a whole number, ${least}.`);
}

/**
 * Everybody does this under the database's write lock, so a folder of that number which has no row was left by a crash.
 * When the transaction is run a second time, the folder is where the first run put it, unless another process was
 * quicker in between.
 */
function putInPlace({ path, inode }: { path: string; inode: number }, versions: string, number: string): void {
  const place = join(versions, number);
  if (existsSync(path)) {
    rmSync(place, { recursive: true, force: true });
    renameSync(path, place);
    // Before the row is committed: a loss of power must not leave a row without its folder.
    const parent = openSync(versions, "r");
    fsyncSync(parent);
    closeSync(parent);
  } else if (statSync(place, { throwIfNoEntry: false })?.ino !== inode) {
    throw new TurnoutError("conflict", `Another process published version ${number} at the same time. Publish again.`);
  }
}

async function removeAbandoned(versions: string, now: Date): Promise<number> {
  let removed = 0;
  for (const name of await readdir(versions)) {
    if (!name.startsWith(STAGED)) continue;
    const path = join(versions, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.mtimeMs > now.getTime() - ABANDONED_AFTER_MS) continue;
    await rm(path, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

async function madeFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return realpath(path);
}

/** The name becomes a folder's; whoever calls has checked it, but a path that escapes would overwrite foreign files. */
function checkedName(component: string): string {
  const name = read(ComponentName, component);
  if (!name.ok) throw new TurnoutError("usage", `'${component}' can't be a component's name: ${name.problem}.`);
  return component;
}

function checkHandler(handler: string, { path, files }: CodeFolder): void {
  if (handler === VERSION_FILE) return;
  const parsed = readHandler(handler);
  if (!parsed.ok) throw new TurnoutError("usage", `Bad handler: ${parsed.problem}.`);
  const candidates = filesOfHandler(parsed.value);
  if (files.some((file) => candidates.includes(file.path))) return;
  throw new TurnoutError(
    "usage",
    `${path} has no file for the handler '${handler}'; looked for ${candidates.join(", ")}. ` +
      "Name the handler as folder/file.export, or publish the folder that has it.",
  );
}

function changedMeanwhile(source: string): TurnoutError {
  return new TurnoutError(
    "conflict",
    `${source} changed while it was copied. Nothing was published; wait until its build has ended and publish again.`,
  );
}

function noVersion(component: string, version: string, newest: Row | undefined): TurnoutError {
  const there = newest === undefined ? "It has none yet" : `Its newest is ${newest.number}`;
  return new TurnoutError(
    "not found",
    `No version '${version}' of ${component}. ${there}; publish one, or name another.`,
  );
}
