import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

/**
 * A backup is one file: a copy of the state file, with what stands beside it in two more tables. Its `application_id`
 * tells it from a state file, and its `user_version` is the layout of all that is in it.
 *
 * | table            | what                                                                                    |
 * |------------------|-----------------------------------------------------------------------------------------|
 * | `backup_about`   | one row: when it was made                                                               |
 * | `backup_entries` | `bodies/…` and `versions/…`: kind, and SHA-256 of the content; of a link what it says    |
 * | `backup_parts`   | the content of entries, in order of `id`                                                |
 * | `backup_missing` | what the state file named and wasn't there                                              |
 */
const TABLES = `
  CREATE TABLE backup_about (made_at INTEGER NOT NULL) STRICT;
  CREATE TABLE backup_entries (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, sha256 TEXT NOT NULL
  ) STRICT;
  CREATE TABLE backup_parts (id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
  CREATE INDEX backup_parts_of ON backup_parts (entry, id);
  CREATE TABLE backup_missing (path TEXT PRIMARY KEY) STRICT;
`;
const DROP_TABLES = ["about", "parts", "entries", "missing"].map((name) => `DROP TABLE backup_${name};`).join("");

/** "Turn" as four bytes. */
export const BACKUP_ID = 0x5475726e;

const PART_BYTES = 1_048_576;

export type EntryKind = "folder" | "file" | "executable" | "link";
export type BackupEntry = { path: string; kind: EntryKind; sha256: string };

/** Makes a copy of a state file a backup that has nothing in it yet. */
export function startBackup(copy: DatabaseSync, madeAt: Date) {
  copy.exec(`PRAGMA journal_mode = DELETE; PRAGMA application_id = ${BACKUP_ID}; ${TABLES}`);
  copy.prepare("INSERT INTO backup_about VALUES (?)").run(madeAt.getTime());
  const insertEntry = copy.prepare("INSERT INTO backup_entries (path, kind, sha256) VALUES (?, ?, ?)");
  const insertPart = copy.prepare("INSERT INTO backup_parts (entry, content) VALUES (?, ?)");
  const saySha = copy.prepare("UPDATE backup_entries SET sha256 = ? WHERE id = ?");
  const insertMissing = copy.prepare("INSERT OR IGNORE INTO backup_missing VALUES (?)");
  return {
    addText(path: string, kind: "folder" | "link", text: string): void {
      const { lastInsertRowid } = insertEntry.run(path, kind, hashOf(Buffer.from(text)));
      insertPart.run(lastInsertRowid, Buffer.from(text));
    },
    /** @throws what reading the file throws */
    addFile(path: string, kind: "file" | "executable", from: string): void {
      const source = openSync(from, "r");
      try {
        const { lastInsertRowid } = insertEntry.run(path, kind, "");
        const hash = createHash("sha256");
        const part = Buffer.alloc(PART_BYTES);
        for (let bytes = readSync(source, part); bytes > 0; bytes = readSync(source, part)) {
          hash.update(part.subarray(0, bytes));
          insertPart.run(lastInsertRowid, part.subarray(0, bytes));
        }
        saySha.run(hash.digest("hex"), lastInsertRowid);
      } finally {
        closeSync(source);
      }
    },
    addMissing: (path: string) => void insertMissing.run(path),
  };
}

/** What a backup has in it beside the state file's own tables. */
export function readBackup(backup: DatabaseSync) {
  const parts = backup.prepare("SELECT content FROM backup_parts WHERE entry = ? ORDER BY id");
  return {
    madeAt: new Date(Number(backup.prepare("SELECT made_at FROM backup_about").get()?.made_at)),
    missing: backup
      .prepare("SELECT path FROM backup_missing ORDER BY path")
      .all()
      .map(({ path }) => String(path)),
    /** In the order in which they were added: a folder before what is in it. */
    *entries(): Generator<BackupEntry & { content(): Generator<Uint8Array> }> {
      for (const { id, path, kind, sha256 } of backup.prepare("SELECT * FROM backup_entries ORDER BY id").iterate()) {
        const content = function* () {
          for (const part of parts.iterate(Number(id))) yield part.content as Uint8Array;
        };
        yield { path: String(path), kind: kind as EntryKind, sha256: String(sha256), content };
      }
    },
  };
}

/** Leaves of a backup's copy what makes it a state file again. */
export function endBackup(copy: DatabaseSync): void {
  copy.exec(`${DROP_TABLES} PRAGMA application_id = 0; VACUUM`);
}

function hashOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Waits until a file, or what a folder lists, is on disk. */
export function settle(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
