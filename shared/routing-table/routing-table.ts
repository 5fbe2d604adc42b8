import type { Component } from "../domain/component.ts";
import type { ChangeLogEntry, CommitResult, Revision, RoutingChange, Row, RowKey } from "../domain/routing-change.ts";
import type { SubjectLevel, SubjectRow } from "../domain/subject.ts";

/** Rows as they stood together at one revision. A key without a row is absent from the map. */
export type RowSnapshot = { revision: Revision; rows: ReadonlyMap<RowKey, Row> };

/** A row with its key. */
export type KeyedRow = { key: RowKey; row: Row };

/** What a routing table tells of itself; also of one that stands still at an earlier revision. */
export type RoutingTableReader = Omit<RoutingTable, "commit">;

/** Rules, directory, sources and components, with the change log that every change goes through. */
export interface RoutingTable {
  /** The number of the newest change, read consistently; 0 when there is none. */
  head(): Promise<Revision>;
  /** Changes after `revision`, oldest first and without a gap, at most `limit`. */
  changesAfter(revision: Revision, limit: number): Promise<ChangeLogEntry[]>;
  /** The rows under these keys, all as of one revision. */
  rows(keys: readonly RowKey[]): Promise<RowSnapshot>;
  /** Every component, by name, all as of one revision. */
  components(): Promise<{ revision: Revision; components: Component[] }>;
  /** Every subject row of a level, by id, page by page; not a snapshot. */
  subjects(level: SubjectLevel): AsyncIterable<{ id: string; row: SubjectRow }>;
  /** Every row, page by page, the subjects' last; not a snapshot, and otherwise in no promised order. */
  allRows(): AsyncIterable<KeyedRow>;
  /**
   * Applies a change on condition that `expected` is still the head: the head, the log entry and the rows together,
   * or nothing.
   */
  commit(change: RoutingChange, expected: Revision): Promise<CommitResult>;
}
