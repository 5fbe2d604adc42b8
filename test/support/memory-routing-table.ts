import type { Component } from "../../shared/domain/routing/component.ts";
import type {
  ChangeLogEntry,
  Revision,
  RoutingChange,
  RowKey,
  StoredRow,
} from "../../shared/domain/routing/routing-change.ts";
import { type RowMap, rowMap } from "../../shared/domain/routing/row-map.ts";
import { UnreadableRow } from "../../shared/domain/routing/unreadable-row.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";

export type Rows = { [key in RowKey]?: StoredRow | null };

/** A routing table in memory that keeps every state it was in. Calls answer at once; hold them from outside. */
export function memoryRoutingTable(first: Rows = {}) {
  /** The rows at each revision. */
  const states: RowMap[] = [rowMap()];
  const log: ChangeLogEntry[] = [];
  const head = (): Revision => states.length - 1;
  const now = () => states[head()] ?? rowMap();

  function apply(change: RoutingChange): Revision {
    const next = rowMap(now());
    for (const { key, after } of change.rows) {
      if (after === null) next.delete(key);
      else next.set(key, after);
    }
    states.push(next);
    log.push({ ...change, revision: head() });
    return head();
  }

  const table: RoutingTable = {
    head: async () => head(),
    changesAfter: async (revision, limit) => log.slice(revision, revision + limit),
    async rows(keys) {
      const found = keys.flatMap((key): [RowKey, StoredRow][] => {
        const row = now().get(key);
        return row === undefined ? [] : [[key, row]];
      });
      return { revision: head(), rows: rowMap(found) };
    },
    async components() {
      const entries = [...now()].filter(([key]) => key.startsWith("component#"));
      const components = entries.flatMap(([, row]) => (row instanceof UnreadableRow ? [] : [row as Component]));
      const unreadable = entries.flatMap(([key, row]) =>
        row instanceof UnreadableRow ? [{ name: key.slice("component#".length), row }] : [],
      );
      const usersHaveRows = [...now().keys()].some((key) => key.startsWith("user#"));
      return { revision: head(), components, unreadable, usersHaveRows };
    },
    async *subjects() {},
    async *allRows() {
      const bySubject = Map.groupBy(now(), ([key]) => /^(user|project|customer|plan)#/.test(key));
      for (const [key, row] of [...(bySubject.get(false) ?? []), ...(bySubject.get(true) ?? [])]) yield { key, row };
    },
    async commit(change, expected) {
      const known = log.find(({ changeId }) => changeId === change.changeId);
      if (known !== undefined) return { committed: true, revision: known.revision };
      const winner = log[expected];
      if (winner !== undefined) return { committed: false, head: head(), winner };
      return { committed: true, revision: apply(change) };
    },
  };

  /** Commits these rows as one change, at once. */
  function put(rows: Rows): Revision {
    const changes = Object.entries(rows).map(([key, after]) => {
      const rowKey = key as RowKey;
      return { key: rowKey, before: now().get(rowKey) ?? null, after: after ?? null };
    });
    const meta = { changeId: `change-${states.length}`, at: new Date(0), who: "ada", why: "a test", command: "put" };
    return apply({ ...meta, rows: changes });
  }

  if (Object.keys(first).length > 0) put(first);
  return { table, states, put };
}
