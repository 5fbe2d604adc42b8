import type { Component } from "../../domain/routing/component.ts";
import { type Release, type ReleaseStep, ruleText, stands } from "../../domain/routing/release.ts";
import type { Revision, RowKey, StoredRow } from "../../domain/routing/routing-change.ts";
import type { SubjectRow } from "../../domain/routing/subject-rows.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { backwards } from "../change/change-log.ts";

/** Changes that are looked through for whoever has changed what a release had set. */
const MOST_LOOKED_AT = 1_000;

/** Who has changed the rule that a release had set, as far as the last changes tell. */
export async function disturbedBy(
  log: Pick<RoutingTableReader, "changesAfter" | "head">,
  revision: Revision,
  component: string,
  release: Release,
  step: ReleaseStep,
): Promise<string> {
  const what = ruleText(step);
  const key: RowKey = step.kind === "plan" ? `plan#${step.plan}` : `component#${component}`;
  const standsIn = (row: StoredRow | null) => {
    const known = readable(row ?? undefined);
    if (known === undefined) return false;
    const [ofComponent, ofPlan] = step.kind === "plan" ? [undefined, known] : [known, undefined];
    const bare = { name: component, cohortRoutes: [] };
    return stands(release, step, {
      component: (ofComponent as Component | undefined) ?? bare,
      planRow: () => ofPlan as SubjectRow | undefined,
    });
  };
  for await (const page of backwards(log, revision, Math.max(1, revision - MOST_LOOKED_AT + 1))) {
    for (const { revision: at, who, why, rows } of page) {
      const row = rows.find((changed) => changed.key === key);
      if (row === undefined || standsIn(row.after) || !standsIn(row.before)) continue;
      return `${what} was changed by ${who} (revision ${at}: ${why})`;
    }
  }
  return `${what} was changed by somebody`;
}
