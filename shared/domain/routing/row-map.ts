import { isSubjectKey, type SubjectKey } from "../subject.ts";
import type { RowChange, RowKey, StoredRow } from "./routing-change.ts";

/** Rows by their keys, each of the type that its key says. @typeParam Gone what stands where a row is known to be none */
export interface RowMap<Gone = never> extends Map<RowKey, StoredRow | Gone> {
  get<K extends RowKey>(key: K): StoredRow<K> | Gone | undefined;
  set<K extends RowKey>(key: K, row: StoredRow<K> | Gone): this;
}

export function rowMap<Gone = never>(rows?: Iterable<readonly [RowKey, StoredRow | NoInfer<Gone>]>): RowMap<Gone> {
  return new Map(rows) as RowMap<Gone>;
}

/** What a change does to the row under this key. */
export function changeOf<K extends RowKey>(rows: readonly RowChange[], key: K): RowChange<K> | undefined {
  return rows.find((row): row is RowChange<K> => row.key === key);
}

export function isSubjectChange(change: RowChange): change is RowChange<SubjectKey> {
  return isSubjectKey(change.key);
}
