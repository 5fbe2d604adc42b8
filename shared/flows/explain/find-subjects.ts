import type { Alias } from "../../domain/routing/alias.ts";
import { outsidePeriod } from "../../domain/routing/period.ts";
import type { Pin } from "../../domain/routing/pin.ts";
import type { SubjectRow } from "../../domain/routing/subject-rows.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import { type SubjectKey, type SubjectLevel, subjectLevels } from "../../domain/subject.ts";
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
 * Whether the directory knows a subject: by a row of its own, or as somebody's customer or plan. Reads the subjects below
 * it only where it has no row.
 */
export async function isInDirectory(table: RoutingTable, level: SubjectLevel, id: string): Promise<boolean> {
  const key: SubjectKey = `${level}#${id}`;
  if ((await table.rows([key])).rows.has(key)) return true;
  if (level === "project" || level === "user") return false;
  for await (const _ of subjectsWith(table, (row) => row[level] === id)) return true;
  return false;
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
