import { type SubjectKey, type SubjectLevel, subjectLevels } from "../subject.ts";
import { type AnyOf, eachOf } from "../text/any-of.ts";
import { own } from "../text/schema.ts";
import type { ChangeLogEntry, RowChange, StoredRow } from "./routing-change.ts";
import { isSubjectChange } from "./row-map.ts";
import { readable } from "./unreadable-row.ts";

/** Which changes an operator asks to see. A field that is left out lets everything through, one of several any of them. */
export type ChangeFilter = {
  /** Inclusive. */
  from?: Date;
  /** Exclusive. */
  to?: Date;
  /** The component's own row, pins of it, and moves of its aliases. */
  component?: AnyOf<string>;
  /** The subject's own row, and what the directory says of others about it. */
  user?: AnyOf<string>;
  project?: AnyOf<string>;
  customer?: AnyOf<string>;
  plan?: AnyOf<string>;
  /** The whole name, or the end of an AWS identity's ARN. */
  who?: AnyOf<string>;
};

export function passesFilter(change: ChangeLogEntry, filter: ChangeFilter): boolean {
  const { from, to, component, who } = filter;
  if (from !== undefined && change.at < from) return false;
  if (to !== undefined && change.at >= to) return false;
  if (!anyOf(who, (name) => change.who === name || change.who.endsWith(`/${name}`))) return false;
  if (!anyOf(component, (name) => concernsComponent(change, name))) return false;
  return subjectLevels.every((level) =>
    anyOf(filter[level], (id) => change.rows.some((row) => concernsSubject(row, level, id))),
  );
}

function anyOf(wanted: AnyOf<string> | undefined, holds: (one: string) => boolean): boolean {
  return wanted === undefined || eachOf(wanted).some(holds);
}

function concernsComponent({ rows, command, move }: ChangeLogEntry, component: string): boolean {
  if (move !== undefined) return move.component === component;
  // Earlier moves of an alias: the command is all that the log has of them.
  if (rows.length === 0) return command.split(/[\s=]+/).includes(component);
  return rows.some((change) => {
    if (change.key === `component#${component}`) return true;
    if (!isSubjectChange(change)) return false;
    return JSON.stringify(pinIn(change.before, component)) !== JSON.stringify(pinIn(change.after, component));
  });
}

function concernsSubject(change: RowChange, level: SubjectLevel, id: string): boolean {
  if (change.key === `${level}#${id}`) return true;
  if (level === "project" || level === "user" || !isSubjectChange(change)) return false;
  const [was, is] = [change.before, change.after].map((row) => readable(row)?.[level]);
  return was !== is && (was === id || is === id);
}

function pinIn(row: StoredRow<SubjectKey> | null, component: string) {
  return own(readable(row)?.pins ?? {}, component);
}
