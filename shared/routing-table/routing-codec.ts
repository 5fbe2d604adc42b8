import { TurnoutError } from "../domain/errors.ts";
import {
  type ChangeLogEntry,
  type ComponentKey,
  type Revision,
  type RoutingChange,
  refuseOversized,
} from "../domain/routing/routing-change.ts";
import { loggedRow, rowText, storedRow } from "../domain/routing/stored-row.ts";
import { UnreadableRow } from "../domain/routing/unreadable-row.ts";
import { canonical } from "../domain/text/canonical-json.ts";
import { readJson } from "../domain/text/schema.ts";
import { splitKey } from "../domain/text/split-key.ts";
import type { ComponentSnapshot } from "./routing-table.ts";

/**
 * The change as it is logged, as JSON text. What it writes is what will be read: a row that would come back as another
 * one, or not at all, is refused here, whoever has made it.
 * @throws TurnoutError `not allowed` when it is too large, or holds such a row
 */
export function encodeChange(change: RoutingChange, revision: Revision): string {
  const entry = JSON.stringify({ ...change, revision });
  refuseOversized(change, entry);
  for (const { key, after } of change.rows) {
    if (after === null) continue;
    const read = after instanceof UnreadableRow ? after : storedRow(key, rowText(after));
    const problem = read instanceof UnreadableRow ? read.problem : undefined;
    if (problem === undefined && canonical(read) === canonical(after)) continue;
    throw new TurnoutError(
      "not allowed",
      `The row '${key}' could not be read back once it is stored (${problem ?? "it would be another one"}). ` +
        "Nothing was changed. Correct it.",
    );
  }
  return entry;
}

/** The entry of a stored text. One that can't be read says so, and names no rows. */
export function decodeChange(text: string, revision: Revision): ChangeLogEntry {
  const json = readJson(text);
  const problem = json.ok ? problemOf(json.value, revision) : json.problem;
  if (!json.ok || problem !== undefined) return unreadableEntry(revision, problem ?? "it is no entry");
  const { at, rows, ...entry } = json.value as Omit<ChangeLogEntry, "at"> & { at: string };
  return {
    ...entry,
    at: new Date(at),
    rows: rows.map(({ key, before, after }) => ({ key, before: loggedRow(key, before), after: loggedRow(key, after) })),
  };
}

function unreadableEntry(revision: Revision, unreadable: string): ChangeLogEntry {
  const who = "unknown";
  return { revision, unreadable, changeId: "", at: new Date(0), who, why: unreadable, command: "unknown", rows: [] };
}

function problemOf(value: unknown, revision: Revision): string | undefined {
  const entry = Object(value) as Partial<Record<keyof ChangeLogEntry, unknown>>;
  if (entry.revision !== revision) return `it says revision ${JSON.stringify(entry.revision)}`;
  if (typeof entry.at !== "string" || Number.isNaN(Date.parse(entry.at))) return "it has no time";
  const texts = [entry.changeId, entry.who, entry.why, entry.command];
  if (texts.some((text) => typeof text !== "string")) return "it doesn't say who, why and what";
  const isRow = (row: unknown) => {
    const { key, before, after } = Object(row) as Record<string, unknown>;
    return typeof key === "string" && before !== undefined && after !== undefined;
  };
  if (!Array.isArray(entry.rows) || !entry.rows.every(isRow)) return "its rows are no rows";
  return undefined;
}

/** Puts the rows of components, by name, into those that can be read and those that can't. */
export function componentSnapshot(
  revision: Revision,
  rows: readonly { key: ComponentKey; text: string }[],
  usersHaveRows: boolean,
): ComponentSnapshot {
  const snapshot: ComponentSnapshot = { revision, components: [], unreadable: [], usersHaveRows };
  for (const { key, text } of rows) {
    const row = storedRow(key, text);
    if (row instanceof UnreadableRow) snapshot.unreadable.push({ name: splitKey(key)[1], row });
    else snapshot.components.push(row);
  }
  return snapshot;
}
