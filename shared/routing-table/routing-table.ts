import type { Component } from "../domain/routing/component.ts";
import type {
  ChangeLogEntry,
  CommitResult,
  Revision,
  RoutingChange,
  RowKey,
  StoredRow,
} from "../domain/routing/routing-change.ts";
import type { RowMap } from "../domain/routing/row-map.ts";
import type { SubjectRow } from "../domain/routing/subject-rows.ts";
import type { UnreadableRow } from "../domain/routing/unreadable-row.ts";
import type { SubjectLevel } from "../domain/subject.ts";

/** Rows as they stood together at one revision. A key without a row is absent from the map. */
export type RowSnapshot = { revision: Revision; rows: RowMap };

/** A row with its key. */
export type KeyedRow<K extends RowKey = RowKey> = { key: K; row: StoredRow<K> };

/** A component whose row can't be read. */
export type UnreadableComponent = { name: string; row: UnreadableRow };

/** Every component, by name, all as of one revision; apart those whose rows can't be read. */
export type ComponentSnapshot = {
  revision: Revision;
  components: Component[];
  unreadable: UnreadableComponent[];
  /** False: no user has a row, so that none need be looked for. There are many users, and rows of hardly any. */
  usersHaveRows: boolean;
};

/** What a routing table tells of itself; also of one that stands still at an earlier revision. */
export type RoutingTableReader = Omit<RoutingTable, "commit">;

/**
 * Rules, directory, sources and components, with the change log that every change goes through. A row that can't be
 * read is an `UnreadableRow` in its place, and spoils no other.
 */
export interface RoutingTable {
  /** The number of the newest change, read consistently; 0 when there is none. */
  head(): Promise<Revision>;
  /** Changes after `revision`, oldest first and without a gap, at most `limit`. */
  changesAfter(revision: Revision, limit: number): Promise<ChangeLogEntry[]>;
  /** The rows under these keys, all as of one revision. */
  rows(keys: readonly RowKey[]): Promise<RowSnapshot>;
  components(): Promise<ComponentSnapshot>;
  /** Every subject row of a level whose id begins so, by id, page by page; not a snapshot. Default: all. */
  subjects(level: SubjectLevel, beginning?: string): AsyncIterable<{ id: string; row: SubjectRow | UnreadableRow }>;
  /** Every row, page by page, the subjects' last; not a snapshot, and otherwise in no promised order. */
  allRows(): AsyncIterable<KeyedRow>;
  /**
   * Applies a change on condition that `expected` is still the head: the head, the log entry and the rows together,
   * or nothing.
   * @throws TurnoutError `not allowed` when it is too large, or has a row that would be read as another one
   */
  commit(change: RoutingChange, expected: Revision): Promise<CommitResult>;
}
