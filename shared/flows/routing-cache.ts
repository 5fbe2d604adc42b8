import { type CompiledPattern, compileEventPattern } from "../domain/events/event-pattern.ts";
import type { Component } from "../domain/routing/component.ts";
import type { LeaseOf } from "../domain/routing/decide-route.ts";
import { type HeldComponent, heldComponent } from "../domain/routing/held-component.ts";
import type { LaptopLease } from "../domain/routing/laptop-lease.ts";
import type { ChangeLogEntry, Revision, RowAt, RowKey } from "../domain/routing/routing-change.ts";
import { isKeyOf } from "../domain/routing/routing-change.ts";
import type { SubjectRows } from "../domain/routing/subject-rows.ts";
import { readable, type UnreadableRow, unreadable } from "../domain/routing/unreadable-row.ts";
import type { RoutingTableReader } from "../routing-table/routing-table.ts";
import { cachedRows } from "./cached-rows.ts";

/** A component with its pattern ready to match. */
export type Listener = { component: Component; matches: CompiledPattern };

/**
 * Rows as they all stood at one revision. A key that isn't cached is noted in `missing` and reads as absent: whoever
 * finds anything there has to load it and start again.
 */
export type RoutingView = {
  revision: Revision;
  listeners: readonly Listener[];
  /** Components whose rows can't be read. Whoever would deliver to them has to wait. */
  held: readonly HeldComponent[];
  /** A row that can't be read is as good as absent here; `problemOf` tells. */
  rowOf<K extends RowKey>(key: K): RowAt<K> | undefined;
  /** The same of a subject, without its key being put together. */
  subjectRow: SubjectRows;
  /** What is wrong with a row that was looked up and can't be read; undefined for every other. */
  problemOf(key: RowKey): string | undefined;
  missing: ReadonlySet<RowKey>;
  /** The lease of a laptop's alias, read since this view was asked for: it may end at any moment. */
  leaseOf?: LeaseOf;
};

/** What a router remembers of the routing table, and the protocol that keeps it exact. */
export type RoutingCache = {
  /**
   * Reads the head and drops what has changed since. A view made after it obeys every change that was committed
   * before it was called. Returns the revision that is remembered now.
   */
  refresh(): Promise<Revision>;
  /** Runs `decide` on one consistent view, loading rows until it finds all that it asks for. Never waits inside. */
  decideOn<T>(decide: (view: RoutingView) => T): Promise<T>;
};

/** Changes read at once; further behind than this, the cache is cleared. */
const MAX_CHANGES_BEHIND = 200;

/** Loads that a change overtook before this many tries in a row mean that something is wrong with the table. */
const MAX_LOADS = 50;

export type ReadLeases = () => Promise<readonly LaptopLease[]>;

/** What the cache reads: of a routing table, or of one as it was. */
export type CachedTable = Pick<RoutingTableReader, "head" | "changesAfter" | "rows" | "components">;

/**
 * @param maxRows rows remembered, absent ones included; the least recently used go first. Default 100,000.
 * @param readLeases reads the leases of laptops, if an alias stands for one. Without it every laptop is taken to be there.
 */
export function routingCache(
  table: CachedTable,
  { maxRows = 100_000, readLeases }: { maxRows?: number | undefined; readLeases?: ReadLeases } = {},
): RoutingCache {
  // Everything in `rows`, `listeners` and `usersHaveRows` is as of `revision`; every await ends with that being true again.
  let revision: Revision = 0;
  let listeners: Listener[] | undefined;
  let held: HeldComponent[] = [];
  let usersHaveRows = false;
  const rows = cachedRows();
  // Nearly always none: asking for every event then costs no more than this.
  let someUnreadable = false;
  const problemOf = (key: RowKey) => (someUnreadable ? unreadable(rows.get(key))?.problem : undefined);
  let advancing: Promise<void> = Promise.resolve();

  function forget(): void {
    rows.clear();
    someUnreadable = false;
    listeners = undefined;
  }

  function apply(changes: readonly ChangeLogEntry[]): void {
    for (const change of changes) {
      if (change.revision !== revision + 1) throw new Error(`change log has a gap after revision ${revision}`);
      // Which rows it changed is not known: it may have been any.
      if (change.unreadable !== undefined) forget();
      for (const { key } of change.rows) {
        rows.delete(key);
        if (isKeyOf("component", key)) listeners = undefined;
        if (isKeyOf("user", key)) usersHaveRows = true;
      }
      revision = change.revision;
    }
  }

  async function advanceTo(head: Revision): Promise<void> {
    if (head <= revision) return;
    // Nothing to drop, or more to read than to load again.
    const empty = rows.size() === 0 && listeners === undefined;
    if (empty || head - revision > MAX_CHANGES_BEHIND) {
      forget();
      revision = head;
      return;
    }
    apply(await table.changesAfter(revision, head - revision));
    if (revision < head) throw new Error(`change log ends at revision ${revision}, but the head is ${head}`);
  }

  /** One advance at a time: two at once would apply the same changes twice. */
  function advance(head: Revision): Promise<void> {
    const next = advancing.then(() => advanceTo(head));
    advancing = next.catch(() => {});
    return next;
  }

  async function loadListeners(): Promise<void> {
    const snapshot = await table.components();
    await advance(snapshot.revision);
    // A change overtook the read: what was read may be old, so it is thrown away and read again.
    if (snapshot.revision !== revision) return;
    listeners = snapshot.components.map(listenerOf);
    held = snapshot.unreadable.map(heldComponent);
    usersHaveRows = snapshot.usersHaveRows;
  }

  async function loadRows(keys: ReadonlySet<RowKey>): Promise<void> {
    const snapshot = await table.rows([...keys]);
    await advance(snapshot.revision);
    if (snapshot.revision !== revision) return;
    for (const key of keys) {
      const row = snapshot.rows.get(key) ?? null;
      if (unreadable(row) !== undefined) someUnreadable = true;
      rows.set(key, row);
    }
  }

  /** A row that isn't there is noted; it then has to be loaded. */
  function viewOn(missing: Set<RowKey>): Pick<RoutingView, "rowOf" | "subjectRow"> {
    const found = <T extends object>(row: T | UnreadableRow | null | undefined, key: () => RowKey): T | undefined => {
      if (row === undefined) missing.add(key());
      return readable(row);
    };
    const rowOf = <K extends RowKey>(key: K): RowAt<K> | undefined =>
      usersHaveRows || !isKeyOf("user", key) ? (found(rows.use(key), () => key) as RowAt<K> | undefined) : undefined;
    const subjectRow: SubjectRows = (level, id) =>
      usersHaveRows || level !== "user" ? found(rows.useSubject(level, id), () => `${level}#${id}`) : undefined;
    return { rowOf, subjectRow };
  }

  /** A lease that isn't read yet is noted; then all are read. */
  function leasesOn(leases: readonly LaptopLease[] | undefined, noteMissing: () => void): { leaseOf?: LeaseOf } {
    if (readLeases === undefined) return {};
    const leaseOf: LeaseOf = (component, alias) => {
      if (leases === undefined) noteMissing();
      return leases?.find((one) => one.component === component && one.alias === alias);
    };
    return { leaseOf };
  }

  return {
    async refresh() {
      await advance(await table.head());
      return revision;
    },
    async decideOn(decide) {
      let leases: readonly LaptopLease[] | undefined;
      for (let load = 0; load < MAX_LOADS; load++) {
        if (listeners === undefined) {
          await loadListeners();
          continue;
        }
        const missing = new Set<RowKey>();
        let wantsLeases = false;
        const noteMissing = () => {
          wantsLeases = true;
        };
        const view = { revision, listeners, held, missing, ...viewOn(missing), problemOf };
        const value = decide({ ...view, ...leasesOn(leases, noteMissing) });
        if (missing.size === 0 && !wantsLeases) {
          rows.evict(maxRows);
          return value;
        }
        if (wantsLeases) leases = await readLeases?.();
        if (missing.size > 0) await loadRows(missing);
      }
      throw new Error(`The routing table changed ${MAX_LOADS} times in a row while it was read.`);
    },
  };
}

function listenerOf(component: Component): Listener {
  const compiled = compileEventPattern(component.pattern);
  if (!compiled.ok) throw new Error(`component '${component.name}' has a bad pattern: ${compiled.problem}`);
  return { component, matches: compiled.matches };
}
