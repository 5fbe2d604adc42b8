import type { CohortRegister, CohortRoute } from "../../../shared/domain/routing/cohort.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { readOrNote } from "../terminal/note-unread.ts";

/** The cohorts there are, by name. */
export async function registerOf(table: RoutingTable): Promise<CohortRegister> {
  const { rows } = await table.rows(["settings#cohorts"]);
  return readOrNote("settings#cohorts", rows.get("settings#cohorts")) ?? {};
}

/** The components that send the cohort somewhere, each with its route. */
export async function routesOf(table: RoutingTable, cohort: string) {
  const { components } = await table.components();
  return components.flatMap(({ name, cohortRoutes }) => {
    const route = cohortRoutes.find((candidate): candidate is CohortRoute => candidate.cohort === cohort);
    return route === undefined ? [] : [{ component: name, route }];
  });
}
