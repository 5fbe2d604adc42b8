import { TurnoutError } from "../domain/errors.ts";
import type { ChangeLogEntry, ComponentKey, Revision, RowKey, StoredRow } from "../domain/routing/routing-change.ts";
import { isKeyOf } from "../domain/routing/routing-change.ts";
import { type RowMap, rowMap } from "../domain/routing/row-map.ts";
import { UnreadableRow } from "../domain/routing/unreadable-row.ts";
import { isSubjectKey, type SubjectKey, type SubjectLevel, subjectLevels } from "../domain/subject.ts";
import { splitKey } from "../domain/text/split-key.ts";
import type { ComponentSnapshot, KeyedRow, RoutingTableReader } from "../routing-table/routing-table.ts";
import { inPages } from "./in-pages.ts";

/** The keys of all rows but those of subjects. */
type OtherKey = Exclude<RowKey, SubjectKey>;

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
  async function rowsBefore(keys: Iterable<RowKey>): Promise<RowMap<null>> {
    const byChange = Map.groupBy(
      [...keys].filter((key) => firstChange.has(key)),
      (key) => firstChange.get(key) ?? revision,
    );
    const before = rowMap<null>();
    for (const [first, wanted] of byChange) {
      const [change] = await table.changesAfter(first - 1, 1);
      const rows = new Map(change?.rows.map((row) => [row.key, row.before]));
      for (const key of wanted) before.set(key, rows.get(key) ?? null);
    }
    return before;
  }

  /** The rows of a listing as they were. Those that have gone since come last. */
  async function* asTheyWere<K extends RowKey>(
    listing: AsyncIterable<KeyedRow<K>>,
    isListed: (key: RowKey) => key is K,
  ): AsyncGenerator<KeyedRow<K>> {
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
    const gone = [...firstChange.keys()].filter(isListed).filter((key) => !told.has(key));
    gone.sort();
    for (let n = 0; n < gone.length; n += ROWS_AT_ONCE) {
      const page = gone.slice(n, n + ROWS_AT_ONCE);
      const before = await rowsBefore(page);
      for (const key of page) {
        const row = before.get(key);
        if (row) yield { key, row };
      }
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
      const rows = rowMap(now.rows);
      for (const [key, row] of await rowsBefore(new Set(keys))) {
        if (row === null) rows.delete(key);
        else rows.set(key, row);
      }
      return { revision, rows };
    },
    async components() {
      const now = await table.components();
      await readLogTo(now.revision);
      const changed = [...firstChange.keys()].filter((key) => isKeyOf("component", key));
      const usersHaveRows = now.usersHaveRows || [...firstChange.keys()].some((key) => isKeyOf("user", key));
      const before = await rowsBefore(changed);
      const rows = new Map<string, StoredRow<ComponentKey> | null | undefined>([
        ...now.components.map((row) => [row.name, row] as const),
        ...now.unreadable.map(({ name, row }) => [name, row] as const),
        ...changed.map((key) => [splitKey(key)[1], before.get(key)] as const),
      ]);
      const snapshot: ComponentSnapshot = { revision, components: [], unreadable: [], usersHaveRows };
      for (const name of [...rows.keys()].sort()) {
        const row = rows.get(name);
        if (row instanceof UnreadableRow) snapshot.unreadable.push({ name, row });
        else if (row) snapshot.components.push(row);
      }
      return snapshot;
    },
    async *subjects(level, beginning = "") {
      const isListed = (key: RowKey): key is SubjectKey =>
        isKeyOf(level, key) && key.startsWith(`${level}#${beginning}`);
      for await (const { key, row } of asTheyWere(keyed(level, table.subjects(level, beginning)), isListed)) {
        yield { id: splitKey(key)[1], row };
      }
    },
    async *allRows() {
      const isListed = (key: RowKey): key is OtherKey => !isSubjectKey(key);
      yield* asTheyWere(untilSubjects(table.allRows()), isListed);
      for (const level of subjectLevels.toReversed()) {
        for await (const { id, row } of self.subjects(level)) yield { key: `${level}#${id}`, row };
      }
    },
  };
  return self;
}

async function* untilSubjects(rows: AsyncIterable<KeyedRow>): AsyncGenerator<KeyedRow<OtherKey>> {
  for await (const row of rows) {
    if (!isOther(row)) return;
    yield row;
  }
}

function isOther(row: KeyedRow): row is KeyedRow<OtherKey> {
  return !isSubjectKey(row.key);
}

async function* keyed(level: SubjectLevel, listing: ReturnType<RoutingTableReader["subjects"]>) {
  for await (const { id, row } of listing) yield { key: `${level}#${id}` as const, row };
}

function lost({ revision, unreadable }: ChangeLogEntry): TurnoutError {
  return new TurnoutError(
    "failed",
    `The routing before revision ${revision} is not known any more: that entry of the change log can't be read ` +
      `(${unreadable}). Ask for a later revision.`,
  );
}
