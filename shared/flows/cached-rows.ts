import type { RowKey, StoredRow } from "../domain/routing/routing-change.ts";
import { rowMap } from "../domain/routing/row-map.ts";
import type { SubjectRow } from "../domain/routing/subject-rows.ts";
import type { UnreadableRow } from "../domain/routing/unreadable-row.ts";
import { isSubjectKey, type SubjectLevel } from "../domain/subject.ts";
import { splitKey } from "../domain/text/split-key.ts";

/** A row; null where there is known to be none. */
type Cached<T> = T | UnreadableRow | null;

/**
 * The rows that a router remembers. Those of subjects stand by level and then id: putting a key together and hashing it
 * costs twice as much as everything else that a decision does.
 */
export function cachedRows() {
  const subjects = {
    user: new Map<string, Cached<SubjectRow>>(),
    project: new Map<string, Cached<SubjectRow>>(),
    customer: new Map<string, Cached<SubjectRow>>(),
    plan: new Map<string, Cached<SubjectRow>>(),
  };
  /** The row used last of each kind: an event's are asked for several times, and stand at the end then. */
  const last = { user: "", project: "", customer: "", plan: "", other: "" };
  const others = rowMap<null>();
  const all: readonly Map<string, unknown>[] = [...Object.values(subjects), others as Map<string, unknown>];
  const size = () => all.reduce((sum, rows) => sum + rows.size, 0);

  function get<K extends RowKey>(key: K): StoredRow<K> | null | undefined {
    if (!isSubjectKey(key)) return others.get(key);
    const [level, id] = splitKey<SubjectLevel>(key);
    return subjects[level].get(id) as StoredRow<K> | null | undefined;
  }

  return {
    size,
    get,
    /** The same as `get`, for what is decided by; it is then the last to go. */
    use<K extends RowKey>(key: K): StoredRow<K> | null | undefined {
      if (isSubjectKey(key)) return this.useSubject(...splitKey<SubjectLevel>(key)) as StoredRow<K> | null | undefined;
      const row = others.get(key);
      if (row !== undefined && last.other !== key) moveToEnd(others, key, row);
      last.other = key;
      return row as StoredRow<K> | null | undefined;
    },
    useSubject(level: SubjectLevel, id: string): Cached<SubjectRow> | undefined {
      const rows = subjects[level];
      const row = rows.get(id);
      if (row !== undefined && last[level] !== id) moveToEnd(rows, id, row);
      last[level] = id;
      return row;
    },
    set<K extends RowKey>(key: K, row: StoredRow<K> | null): void {
      if (!isSubjectKey(key)) {
        others.set(key, row);
        last.other = "";
        return;
      }
      const [level, id] = splitKey<SubjectLevel>(key);
      subjects[level].set(id, row as Cached<SubjectRow>);
      last[level] = "";
    },
    delete(key: RowKey): void {
      if (!isSubjectKey(key)) return void others.delete(key);
      const [level, id] = splitKey<SubjectLevel>(key);
      subjects[level].delete(id);
    },
    clear(): void {
      for (const rows of all) rows.clear();
    },
    /** Drops rows until there are no more than this: of the kind of which there are most, those not used for longest. */
    evict(maxRows: number): void {
      for (let excess = size() - maxRows; excess > 0; excess = size() - maxRows) {
        const [largest, second] = all.toSorted((a, b) => b.size - a.size);
        if (largest === undefined) return;
        let left = Math.min(excess, Math.max(1, largest.size - (second?.size ?? 0)));
        for (const key of largest.keys()) {
          largest.delete(key);
          left -= 1;
          if (left === 0) break;
        }
      }
    },
  };
}

/** A Map's order is that of insertion, and so that of use. */
function moveToEnd<K, V>(rows: Map<K, V>, key: K, row: V): void {
  rows.delete(key);
  rows.set(key, row);
}
