import { TurnoutError } from "../../../shared/domain/errors.ts";
import type { SubjectRow } from "../../../shared/domain/routing/subject-rows.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { withInstallation } from "../terminal/context.ts";
import { readOrNote } from "../terminal/note-unread.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { type Column, tablePrinter } from "../terminal/table.ts";

type ShowOptions = JsonOption & { project?: string; customer?: string };

/** What the directory says, in the form that `directory import` takes. */
type DirectoryEntry = { project: string | null; customer: string; plan: string | null };

const ENTRIES_AT_ONCE = 500;

const COLUMNS: Column<DirectoryEntry>[] = [
  { title: "PROJECT", text: ({ project }) => project ?? undefined, least: 12 },
  { title: "CUSTOMER", text: ({ customer }) => customer, least: 12 },
  { title: "PLAN", text: ({ plan }) => plan ?? undefined, least: 8 },
];

export async function show({ json, project, customer }: ShowOptions): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const table = tablePrinter(COLUMNS);
    let count = 0;
    for await (const entries of entriesOf(routingTable, project, customer)) {
      count += entries.length;
      if (!json) table.print(entries);
      else for (const entry of entries) printJson(entry);
    }
    table.end();
    if (count > 0) return;
    const named = [project && `project ${project}`, customer && `customer ${customer}`].filter(Boolean).join(" with ");
    if (named !== "") throw new TurnoutError("not found", `The directory has no ${named}.`);
    note("the directory is empty");
  });
}

/** Projects with their customers and those customers' plans, then the customers that have a plan. */
async function* entriesOf(
  table: RoutingTable,
  project: string | undefined,
  customer: string | undefined,
): AsyncIterable<DirectoryEntry[]> {
  let page: [id: string, customer: string][] = [];
  for await (const [id, row] of subjects(table, "project", project)) {
    if (row.customer === undefined || (customer !== undefined && row.customer !== customer)) continue;
    page.push([id, row.customer]);
    if (page.length < ENTRIES_AT_ONCE) continue;
    yield withPlans(table, page);
    page = [];
  }
  if (page.length > 0) yield withPlans(table, page);
  if (project !== undefined) return;
  let plans: DirectoryEntry[] = [];
  for await (const [id, { plan }] of subjects(table, "customer", customer)) {
    if (plan === undefined) continue;
    plans.push({ project: null, customer: id, plan });
    if (plans.length < ENTRIES_AT_ONCE) continue;
    yield plans;
    plans = [];
  }
  if (plans.length > 0) yield plans;
}

async function withPlans(table: RoutingTable, projects: readonly [string, string][]): Promise<DirectoryEntry[]> {
  const { rows } = await table.rows([...new Set(projects.map(([, customer]) => `customer#${customer}` as const))]);
  return projects.map(([project, customer]) => {
    const row = readable(rows.get(`customer#${customer}`));
    return { project, customer, plan: row?.plan ?? null };
  });
}

/** One subject, or all of a level. */
async function* subjects(
  table: RoutingTable,
  level: "project" | "customer",
  only: string | undefined,
): AsyncIterable<[string, SubjectRow]> {
  if (only === undefined) {
    for await (const { id, row: stored } of table.subjects(level)) {
      const row = readOrNote(`${level}#${id}`, stored);
      if (row !== undefined) yield [id, row];
    }
    return;
  }
  const { rows } = await table.rows([`${level}#${only}`]);
  const row = readOrNote(`${level}#${only}`, rows.get(`${level}#${only}`));
  if (row !== undefined) yield [only, row];
}
