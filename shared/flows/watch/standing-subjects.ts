import type { Alias } from "../../domain/routing/alias.ts";
import type { Component } from "../../domain/routing/component.ts";
import { decideRoute } from "../../domain/routing/decide-route.ts";
import { outsidePeriod } from "../../domain/routing/period.ts";
import { resolveSubject } from "../../domain/routing/subject-rows.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import type { Subject } from "../../domain/subject.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { componentOn } from "../explain/explain-route.ts";
import { everyone } from "../explain/who-is-on.ts";
import { inPages } from "../in-pages.ts";
import { routingCache } from "../routing-cache.ts";

/** Whose events an alias gets, by what the directory knows. */
export type Standing = {
  /** Customers, and projects and users of which no customer is known. */
  named: number;
  /** The directory has more than were looked at. */
  isMore: boolean;
  /** Everybody whom nothing else is said of. */
  hasOthers: boolean;
  /** The share of those that the rollout sends to it. */
  basisPoints: number;
};

/** Subjects of the directory that are looked at, and at once. */
const MAX_SUBJECTS = 2_000;
const AT_ONCE = 500;

/** Whose events go to which alias now, by component. Of a large directory the first subjects are looked at. */
export async function standingSubjects(
  table: RoutingTableReader,
  components: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, ReadonlyMap<Alias, Standing>>> {
  const routing = routingCache(table);
  const found = new Map<string, Map<Alias, Named>>(components.map((name) => [name, new Map()]));
  let looked = 0;
  let isMore = false;
  for await (const subjects of inPages(everyone(table), AT_ONCE)) {
    if (looked >= MAX_SUBJECTS) {
      isMore = true;
      break;
    }
    looked += subjects.length;
    // Asked anew where rows were missing: what it is asked with must not remember.
    const decided = await routing.decideOn((view) =>
      components.flatMap((name) => {
        const component = readable(componentOn(view, name));
        if (component === undefined) return [];
        return subjects.map((stated) => {
          const subject = resolveSubject(stated, view.subjectRow);
          const { alias } = decideRoute({ component, subject, rowOf: view.subjectRow, now, trace: false });
          return { component, subject, alias };
        });
      }),
    );
    for (const { component, subject, alias } of decided) {
      const standing = found.get(component.name);
      if (standing !== undefined) addTo(standing, component, subject, alias, now);
    }
  }
  const countedOf = (standing: ReadonlyMap<Alias, Named>) =>
    new Map([...standing].map(([alias, one]) => [alias, counted(one, isMore)]));
  return new Map([...found].map(([name, standing]) => [name, countedOf(standing)]));
}

type Named = { names: Set<string>; hasOthers: boolean; basisPoints: number };

function addTo(standing: Map<Alias, Named>, component: Component, subject: Subject, alias: Alias, now: Date): void {
  const on = (one: Alias) => {
    const known = standing.get(one) ?? { names: new Set(), hasOthers: false, basisPoints: 0 };
    standing.set(one, known);
    return known;
  };
  const named = on(alias);
  const { customer, project, user, plan } = subject;
  if (customer !== undefined) named.names.add(`customer ${customer}`);
  else if (project !== undefined) named.names.add(`project ${project}`);
  else if (user !== undefined) named.names.add(`user ${user}`);
  else if (plan === undefined) {
    named.hasOthers = true;
    const { rollout, allStable } = component;
    if (rollout !== undefined && allStable === undefined && outsidePeriod(rollout, now) === undefined)
      on(rollout.alias).basisPoints = rollout.basisPoints;
  }
}

function counted({ names, ...others }: Named, isMore: boolean): Standing {
  return { named: names.size, isMore, ...others };
}
