import { ComponentUnreadable } from "../../domain/errors.ts";
import type { Component } from "../../domain/routing/component.ts";
import { type Decision, decideRoute } from "../../domain/routing/decide-route.ts";
import type { Revision, RowKey, StoredRow } from "../../domain/routing/routing-change.ts";
import { resolveSubject, type SubjectRows } from "../../domain/routing/subject-rows.ts";
import { UnreadableRow } from "../../domain/routing/unreadable-row.ts";
import type { Subject } from "../../domain/subject.ts";
import type { RoutingCache, RoutingView } from "../routing-cache.ts";

/** Where an event of this subject goes, and why. */
export type Explanation = {
  component: Component;
  subject: Subject;
  decision: Decision;
  revision: Revision;
  /** Every row that was looked at, the component's own first; null for none there. */
  rows: { key: RowKey; row: StoredRow | null }[];
};

/** An event's own part in the decision. */
export type Question = { component: string; stated: Subject; ignoredAlias?: string };

/** Decides as the router does, with the trace on; undefined when there is no such component. */
export async function explainRoute(
  routing: RoutingCache,
  component: string,
  stated: Subject,
  now: Date,
): Promise<Explanation | undefined> {
  await routing.refresh();
  return routing.decideOn((view) => explainOn(view, { component, stated }, now));
}

/** Pure; on a view that misses rows the result has to be thrown away. */
export function explainOn(
  view: RoutingView,
  { component: name, stated, ignoredAlias }: Question,
  now: Date,
): Explanation | undefined {
  const component = view.listeners.find((listener) => listener.component.name === name)?.component;
  if (component === undefined) {
    const problem = view.held.find((held) => held.name === name)?.problem;
    if (problem !== undefined) throw new ComponentUnreadable(name, problem);
    return undefined;
  }
  const rows = new Map<RowKey, StoredRow | null>([[`component#${name}`, component]]);
  const rowOf: SubjectRows = (key) => {
    const row = view.rowOf(key);
    const problem = view.problemOf(key);
    rows.set(key, problem === undefined ? (row ?? null) : new UnreadableRow(problem, ""));
    return row;
  };
  const subject = resolveSubject(stated, rowOf);
  const ignored = ignoredAlias === undefined ? {} : { ignoredAlias };
  const decision = decideRoute({ component, subject, rowOf, now, ...ignored });
  const used = [...rows].map(([key, row]) => ({ key, row }));
  return { component, subject, decision, revision: view.revision, rows: used };
}
