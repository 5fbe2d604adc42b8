import type { CommitResult, KeyOf, Revision } from "../domain/routing/routing-change.ts";
import { rowMap } from "../domain/routing/row-map.ts";
import { rowText, storedRow } from "../domain/routing/stored-row.ts";
import type { SubjectLevel } from "../domain/subject.ts";
import { splitKey } from "../domain/text/split-key.ts";
import type { Database } from "../sqlite/database.ts";
import { componentSnapshot, decodeChange, encodeChange } from "./routing-codec.ts";
import type { KeyedRow, RoutingTable } from "./routing-table.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS routing_log (
    revision INTEGER PRIMARY KEY, change_id TEXT NOT NULL UNIQUE, entry TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS routing_rows (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

const ROWS_PER_PAGE = 500;

/** What stands before `#` in a key; `$` is the character after it. */
const rowKinds = ["settings", "component", "source", "plan", "customer", "project", "user"] as const;
type RowKind = (typeof rowKinds)[number];

/** The routing table in the state file. */
export function sqliteRoutingTable(database: Database): RoutingTable {
  const { connection } = database;
  connection.exec(TABLES);
  const selectHead = connection.prepare("SELECT coalesce(max(revision), 0) AS head FROM routing_log");
  const selectAfter = connection.prepare(
    "SELECT revision, entry FROM routing_log WHERE revision > ? ORDER BY revision LIMIT ?",
  );
  const selectChange = connection.prepare("SELECT revision FROM routing_log WHERE change_id = ?");
  const selectRow = connection.prepare("SELECT value FROM routing_rows WHERE key = ?");
  const selectRange = connection.prepare(
    "SELECT key, value FROM routing_rows WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
  );
  const selectUser = connection.prepare("SELECT 1 FROM routing_rows WHERE key > 'user#' AND key < 'user$' LIMIT 1");
  const insertEntry = connection.prepare("INSERT INTO routing_log (revision, change_id, entry) VALUES (?, ?, ?)");
  const upsertRow = connection.prepare(
    "INSERT INTO routing_rows (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const deleteRow = connection.prepare("DELETE FROM routing_rows WHERE key = ?");

  const head = (): Revision => Number(selectHead.get()?.head);
  const entriesAfter = (revision: Revision, limit: number) =>
    selectAfter.all(revision, limit).map((row) => decodeChange(String(row.entry), Number(row.revision)));
  /** The texts of a kind's rows from a key on; $ comes after #. */
  const range = <Kind extends RowKind>(kind: Kind, from: string, limit: number) =>
    selectRange
      .all(from, `${kind}$`, limit)
      .map(({ key, value }) => ({ key: String(key) as KeyOf<Kind>, text: String(value) }));

  /** The rows of a kind whose names begin so, a page at a time. */
  function* rowsOf<Kind extends RowKind>(kind: Kind, beginning = ""): Generator<KeyedRow<KeyOf<Kind>>> {
    const first = `${kind}#${beginning}`;
    for (let from = first; ; ) {
      const page = range(kind, from, ROWS_PER_PAGE);
      for (const { key, text } of page) {
        if (!key.startsWith(first)) return;
        yield { key, row: storedRow(key, text) };
      }
      const last = page.at(-1);
      if (last === undefined || page.length < ROWS_PER_PAGE) return;
      // No key comes between the two.
      from = `${last.key}\0`;
    }
  }

  /** Several reads as of one moment, also while another process commits. */
  function snapshot<T>(read: () => T): T {
    connection.exec("BEGIN");
    try {
      return read();
    } finally {
      connection.exec("COMMIT");
    }
  }

  return {
    async head() {
      return head();
    },
    async changesAfter(revision, limit) {
      return entriesAfter(revision, limit);
    },
    async rows(keys) {
      return snapshot(() => {
        const rows = rowMap();
        for (const key of keys) {
          const found = selectRow.get(key);
          if (found !== undefined) rows.set(key, storedRow(key, String(found.value)));
        }
        return { revision: head(), rows };
      });
    },
    async components() {
      return snapshot(() =>
        componentSnapshot(head(), range("component", "component#", -1), selectUser.get() !== undefined),
      );
    },
    async *subjects(level: SubjectLevel, beginning) {
      for (const { key, row } of rowsOf(level, beginning)) yield { id: splitKey(key)[1], row };
    },
    async *allRows() {
      for (const kind of rowKinds) yield* rowsOf(kind);
    },
    async commit(change, expected) {
      // SQLite would take larger ones, but what one store refuses must not work on the other.
      const entry = encodeChange(change, expected + 1);
      return database.write((): CommitResult => {
        const known = selectChange.get(change.changeId);
        if (known !== undefined) return { committed: true, revision: Number(known.revision) };
        const current = head();
        if (current !== expected) {
          const [winner] = entriesAfter(expected, 1);
          if (winner === undefined) throw new RangeError(`revision ${expected} is past the head, ${current}`);
          return { committed: false, head: current, winner };
        }
        const revision = expected + 1;
        insertEntry.run(revision, change.changeId, entry);
        for (const { key, after } of change.rows) {
          if (after === null) deleteRow.run(key);
          else upsertRow.run(key, rowText(after));
        }
        return { committed: true, revision };
      });
    },
  };
}
