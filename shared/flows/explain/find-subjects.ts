import type { Alias } from "../../domain/routing/alias.ts";
import { outsidePeriod } from "../../domain/routing/period.ts";
import type { Pin } from "../../domain/routing/pin.ts";
import type { SubjectRow } from "../../domain/routing/subject-rows.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import { type SubjectKey, subjectLevels } from "../../domain/subject.ts";
import { own } from "../../domain/text/schema.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";

/** Every subject whose row is like this. Reads all subjects once, page by page; not a snapshot. */
async function* subjectsWith(table: RoutingTable, isWanted: (row: SubjectRow) => boolean): AsyncIterable<SubjectKey> {
  for (const level of subjectLevels) {
    for await (const { id, row: stored } of table.subjects(level)) {
      const row = readable(stored);
      if (row !== undefined && isWanted(row)) yield `${level}#${id}`;
    }
  }
}

/** The users, projects and customers in a cohort. */
export function membersOf(table: RoutingTable, cohort: string): AsyncIterable<SubjectKey> {
  return subjectsWith(table, ({ cohorts }) => cohorts.includes(cohort));
}

/**
 * Those of them that the directory doesn't know: neither by a row of their own, nor as somebody's customer or plan. Reads the
 * other subjects only where one has no row. Users are left out: the directory has none, every event names its own.
 */
export async function notInDirectory(table: RoutingTable, keys: readonly SubjectKey[]): Promise<SubjectKey[]> {
  const { rows } = await table.rows(keys);
  const missing = new Set(keys.filter((key) => !rows.has(key) && !key.startsWith("user#")));
  if (![...missing].some((key) => /^(customer|plan)#/.test(key))) return [...missing];
  for (const level of subjectLevels) {
    for await (const { row } of table.subjects(level)) {
      const { customer, plan } = readable(row) ?? {};
      if (customer !== undefined) missing.delete(`customer#${customer}`);
      if (plan !== undefined) missing.delete(`plan#${plan}`);
    }
  }
  return [...missing];
}

/** Subjects whose pin goes to the alias, or will, or has it as its successor. A pin that has run out names nothing. */
export function pinnedTo(table: RoutingTable, component: string, alias: Alias, now: Date): AsyncIterable<SubjectKey> {
  const names = (pin: Pin) => pin.alias === alias || pin.successor === alias;
  const isOver = (pin: Pin) => outsidePeriod(pin, now)?.startsWith("expired") ?? false;
  return subjectsWith(table, ({ pins }) => {
    const pin = own(pins, component);
    return pin !== undefined && names(pin) && !isOver(pin);
  });
}
