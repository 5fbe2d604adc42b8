import { ComponentUnreadable } from "../../domain/errors.ts";
import type { EventFacts } from "../../domain/events/event.ts";
import type { Component } from "../../domain/routing/component.ts";
import { type Decision, decideRoute } from "../../domain/routing/decide-route.ts";
import type { Revision, RowKey, StoredRow } from "../../domain/routing/routing-change.ts";
import { resolveSubject, type SubjectRows } from "../../domain/routing/subject-rows.ts";
import { UnreadableRow } from "../../domain/routing/unreadable-row.ts";
import type { Subject } from "../../domain/subject.ts";
import { type CachedTable, type ReadLeases, type RoutingView, routingCache } from "../routing-cache.ts";

/** Where an event of this subject goes, and why. */
export type Explanation = {
  component: Component;
  subject: Subject;
  decision: Decision;
  revision: Revision;
  /** Every row that was looked at, the component's own first; null for none there. */
  rows: { key: RowKey; row: StoredRow | null }[];
};

/**
 * Decides as the router does, with the trace on; undefined when there is no such component.
 * @param leases reads those of laptops; of another time nobody knows them, and every laptop is taken to be there
 * @throws ComponentUnreadable
 */
export async function explainRoute(
  table: CachedTable,
  name: string,
  subject: Subject,
  now: Date,
  leases?: { readLeases?: ReadLeases },
): Promise<Explanation | undefined> {
  return routingCache(table, leases).decideOn((view) => {
    const component = componentOn(view, name);
    if (component instanceof UnreadableRow) throw new ComponentUnreadable(name, component.problem);
    return component && explainOn(view, component, { subject }, now);
  });
}

export function componentOn({ listeners, held }: RoutingView, name: string): Component | UnreadableRow | undefined {
  const problem = held.find((one) => one.name === name)?.problem;
  if (problem !== undefined) return new UnreadableRow(problem, "");
  return listeners.find(({ component }) => component.name === name)?.component;
}

export function rowOn(view: RoutingView, key: RowKey): StoredRow | null {
  const row = view.rowOf(key) ?? null;
  const problem = view.problemOf(key);
  return problem === undefined ? row : new UnreadableRow(problem, "");
}

/** Pure; on a view that misses rows the result has to be thrown away. */
export function explainOn(
  view: RoutingView,
  component: Component,
  { subject: stated, ignoredAlias }: Pick<EventFacts, "subject" | "ignoredAlias">,
  now: Date,
): Explanation {
  const rows = new Map<RowKey, StoredRow | null>([[`component#${component.name}`, component]]);
  const rowOf: SubjectRows = (level, id) => {
    rows.set(`${level}#${id}`, rowOn(view, `${level}#${id}`));
    return view.subjectRow(level, id);
  };
  const subject = resolveSubject(stated, rowOf);
  const decision = decideRoute({ component, subject, rowOf, leaseOf: view.leaseOf, now, ignoredAlias });
  const used = [...rows].map(([key, row]) => ({ key, row }));
  return { component, subject, decision, revision: view.revision, rows: used };
}
