import { TurnoutError } from "../domain/errors.ts";
import type { Component } from "../domain/routing/component.ts";
import type { ChangeLogEntry, Revision, RowKey, StoredRow } from "../domain/routing/routing-change.ts";
import type { SubjectRow } from "../domain/routing/subject-rows.ts";
import { UnreadableRow } from "../domain/routing/unreadable-row.ts";
import { isSubjectKey, subjectLevels } from "../domain/subject.ts";
import type { ComponentSnapshot, KeyedRow, RoutingTableReader } from "../routing-table/routing-table.ts";
import { inPages } from "./in-pages.ts";

/** Changes read at once: with 90 rows each, a few MB. */
const CHANGES_PER_PAGE = 200;

/** Listed rows that are put back at once. */
const ROWS_AT_ONCE = 500;

/**
 * The routing table as it stood at `revision`, which must be at or before the head. Rows are put back by the change log:
 * what a row was is what stands as `before` in the first change of it since.
 *
 * Cost: reads the log since `revision` once, a page at a time, and remembers the keys in it, not the rows; then one
 * entry per row that has changed since. A listing also remembers the keys that it has told. Go on using the table
 * while others change it: it stays as it was.
 */
export function routingTableAt(table: RoutingTableReader, revision: Revision): RoutingTableReader {
  /** The first change of each row after `revision`, as far as the log has been read. */
  const firstChange = new Map<RowKey, Revision>();
  let readUpTo = revision;

  async function readLogTo(head: Revision): Promise<void> {
    while (readUpTo < head) {
      const changes = await table.changesAfter(readUpTo, CHANGES_PER_PAGE);
      for (const change of changes) {
        if (change.unreadable !== undefined) throw lost(change);
        for (const { key } of change.rows) if (!firstChange.has(key)) firstChange.set(key, change.revision);
        readUpTo = Math.max(readUpTo, change.revision);
      }
      if (changes.length === 0) throw new Error(`change log ends at revision ${readUpTo}, but the head is ${head}`);
    }
  }

  /** The rows that have changed since, as they were; the log has to be read up to when `keys` were found out. */
  async function rowsBefore(keys: Iterable<RowKey>): Promise<Map<RowKey, StoredRow | null>> {
    const byChange = Map.groupBy(
      [...keys].filter((key) => firstChange.has(key)),
      (key) => firstChange.get(key) ?? revision,
    );
    const before = new Map<RowKey, StoredRow | null>();
    for (const [first, wanted] of byChange) {
      const [change] = await table.changesAfter(first - 1, 1);
      const rows = new Map(change?.rows.map((row) => [row.key, row.before]));
      for (const key of wanted) before.set(key, rows.get(key) ?? null);
    }
    return before;
  }

  /** The rows of a listing as they were. Those that have gone since come last. */
  async function* asTheyWere(
    listing: AsyncIterable<KeyedRow>,
    isListed: (key: RowKey) => boolean,
  ): AsyncGenerator<KeyedRow> {
    const told = new Set<RowKey>();
    for await (const page of inPages(listing, ROWS_AT_ONCE)) {
      // After the page was read: whatever it shows of later changes is in the log by now.
      await readLogTo(await table.head());
      const before = await rowsBefore(page.map(({ key }) => key));
      for (const { key, row } of page) {
        const was = before.has(key) ? before.get(key) : row;
        told.add(key);
        if (was) yield { key, row: was };
      }
    }
    await readLogTo(await table.head());
    const gone = [...firstChange.keys()].filter((key) => isListed(key) && !told.has(key)).sort();
    for (let n = 0; n < gone.length; n += ROWS_AT_ONCE) {
      for (const [key, row] of await rowsBefore(gone.slice(n, n + ROWS_AT_ONCE))) if (row !== null) yield { key, row };
    }
  }

  const self: RoutingTableReader = {
    async head() {
      return revision;
    },
    async changesAfter(after, limit) {
      return after >= revision ? [] : table.changesAfter(after, Math.min(limit, revision - after));
    },
    async rows(keys) {
      const now = await table.rows(keys);
      await readLogTo(now.revision);
      const rows = new Map(now.rows);
      for (const [key, row] of await rowsBefore(new Set(keys))) {
        if (row === null) rows.delete(key);
        else rows.set(key, row);
      }
      return { revision, rows };
    },
    async components() {
      const now = await table.components();
      await readLogTo(now.revision);
      const changed = [...firstChange.keys()].filter((key) => key.startsWith("component#"));
      const rows = new Map<RowKey, StoredRow | null>([
        ...now.components.map((row): [RowKey, StoredRow] => [`component#${row.name}`, row]),
        ...now.unreadable.map(({ name, row }): [RowKey, StoredRow] => [`component#${name}`, row]),
      ]);
      for (const [key, row] of await rowsBefore(changed)) rows.set(key, row);
      const snapshot: ComponentSnapshot = { revision, components: [], unreadable: [] };
      for (const [key, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (row instanceof UnreadableRow) snapshot.unreadable.push({ name: key.slice("component#".length), row });
        else if (row !== null) snapshot.components.push(row as Component);
      }
      return snapshot;
    },
    async *subjects(level) {
      const isListed = (key: RowKey) => key.startsWith(`${level}#`);
      const listing = asKeyed(table.subjects(level), ({ id, row }) => ({ key: `${level}#${id}`, row }));
      for await (const { key, row } of asTheyWere(listing, isListed)) {
        yield { id: key.slice(level.length + 1), row: row as SubjectRow | UnreadableRow };
      }
    },
    async *allRows() {
      yield* asTheyWere(untilSubjects(table.allRows()), (key) => !isSubjectKey(key));
      for (const level of subjectLevels.toReversed()) {
        for await (const { id, row } of self.subjects(level)) yield { key: `${level}#${id}`, row };
      }
    },
  };
  return self;
}

async function* untilSubjects(rows: AsyncIterable<KeyedRow>): AsyncGenerator<KeyedRow> {
  for await (const row of rows) {
    if (isSubjectKey(row.key)) return;
    yield row;
  }
}

async function* asKeyed<T>(listing: AsyncIterable<T>, keyed: (item: T) => KeyedRow): AsyncGenerator<KeyedRow> {
  for await (const item of listing) yield keyed(item);
}

function lost({ revision, unreadable }: ChangeLogEntry): TurnoutError {
  return new TurnoutError(
    "failed",
    `The routing before revision ${revision} is not known any more: that entry of the change log can't be read ` +
      `(${unreadable}). Ask for a later revision.`,
  );
}
