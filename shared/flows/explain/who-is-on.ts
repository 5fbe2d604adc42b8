import type { Alias } from "../../domain/routing/alias.ts";
import { type Decision, decideRoute } from "../../domain/routing/decide-route.ts";
import { resolveSubject } from "../../domain/routing/subject-rows.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import { type Subject, subjectLevels } from "../../domain/subject.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { inPages } from "../in-pages.ts";
import { type ReadLeases, routingCache } from "../routing-cache.ts";
import { componentOn } from "./explain-route.ts";

/** A subject of the directory that an alias gets the events of, and why. */
export type OnAlias = { subject: Subject; decision: Decision };

const SUBJECTS_AT_ONCE = 500;

/**
 * Whoever's events go to this alias of the component, a page at a time: nobody in particular, and every customer,
 * project, plan and user of which there is a row. A plan stands for whoever is on it and isn't named. Each is decided by the
 * newest rows; for one moment throughout, hand in the table as it was at a revision.
 */
export async function* whoIsOn(
  table: RoutingTableReader,
  name: string,
  alias: Alias,
  now: Date,
  leases?: { readLeases?: ReadLeases },
): AsyncGenerator<OnAlias[]> {
  const routing = routingCache(table, leases);
  for await (const subjects of inPages(everyone(table), SUBJECTS_AT_ONCE)) {
    const found = await routing.decideOn((view) => {
      const component = readable(componentOn(view, name));
      if (component === undefined) return [];
      return subjects.flatMap((stated): OnAlias[] => {
        const subject = resolveSubject(stated, view.subjectRow);
        const decision = decideRoute({ component, subject, rowOf: view.subjectRow, leaseOf: view.leaseOf, now });
        return decision.alias === alias ? [{ subject, decision }] : [];
      });
    });
    if (found.length > 0) yield found;
  }
}

/** Nobody in particular, and every subject of which there is a row, plans first. */
export async function* everyone(table: RoutingTableReader): AsyncIterable<Subject> {
  yield {};
  for (const level of subjectLevels.toReversed()) {
    for await (const { id } of table.subjects(level)) yield { [level]: id };
  }
}
