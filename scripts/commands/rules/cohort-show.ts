import { CohortNotFound } from "../../../shared/domain/errors.ts";
import { subjectLevels, subjectOf } from "../../../shared/domain/subject.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { own } from "../../../shared/domain/text/schema.ts";
import { keyInWords } from "../../../shared/domain/text/split-key.ts";
import { membersOf } from "../../../shared/flows/explain/find-subjects.ts";
import { periodText } from "../../../shared/installation/wording/period-text.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { withInstallation } from "../terminal/context.ts";
import { readOrNote } from "../terminal/note-unread.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { registerOf, routesOf } from "./cohort-register.ts";

type ListedCohort = { cohort: string; members: number; components: string[]; description: string };

export async function list({ json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const counts = await memberCounts(routingTable);
    const cohorts: ListedCohort[] = [];
    for (const [cohort, { description }] of Object.entries(await registerOf(routingTable))) {
      const components = (await routesOf(routingTable, cohort)).map(({ component }) => component);
      cohorts.push({ cohort, members: counts.get(cohort) ?? 0, components, description });
    }
    if (json) for (const cohort of cohorts) printJson(cohort);
    else if (cohorts.length === 0) note("no cohorts");
    else printTable(COLUMNS, cohorts);
  });
}

export async function show(cohort: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const register = await registerOf(routingTable);
    const entry = own(register, cohort);
    if (entry === undefined) throw new CohortNotFound(cohort, Object.keys(register));
    const routes = await routesOf(routingTable, cohort);
    const members = await Array.fromAsync(membersOf(routingTable, cohort));
    if (json) {
      const used = routes.map(({ component, route }) => ({ component, alias: route.alias }));
      return printJson({ cohort, ...entry, routes: used, members: members.map(subjectOf) });
    }
    printLine(`${cohort}${entry.description === "" ? "" : `: ${entry.description}`}`);
    note(`created by ${entry.who} at ${entry.at}`);
    for (const { component, route } of routes) printLine(`  ${component} → ${route.alias}${periodText(route)}`);
    if (routes.length === 0) note("no component has a route for it");
    note(`${plural(members.length, "member")}:`);
    for (const key of members) printLine(`  ${keyInWords(key)}`);
  });
}

/** Members of each cohort. Reads every subject once. */
async function memberCounts(table: RoutingTable): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const level of subjectLevels) {
    for await (const { id, row } of table.subjects(level)) {
      for (const cohort of readOrNote(`${level}#${id}`, row)?.cohorts ?? [])
        counts.set(cohort, (counts.get(cohort) ?? 0) + 1);
    }
  }
  return counts;
}

const COLUMNS: Column<ListedCohort>[] = [
  { title: "COHORT", text: ({ cohort }) => cohort, least: 12 },
  { title: "MEMBERS", text: ({ members }) => String(members), alignRight: true },
  { title: "ROUTES", text: ({ components }) => components.join(", "), least: 12 },
  { title: "DESCRIPTION", text: ({ description }) => description, least: 12 },
];
