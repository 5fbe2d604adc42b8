import { TurnoutError } from "../errors.ts";
import { isSubjectKey } from "../subject.ts";
import { canonical } from "../text/canonical-json.ts";
import { own } from "../text/schema.ts";
import type { Component } from "./component.ts";
import { DEFAULT_GUARDRAILS } from "./guardrails.ts";
import type { ChangeLogEntry, Revision, Row, RowChange, RowKey, StoredRow } from "./routing-change.ts";
import { isKeyOf } from "./routing-change.ts";
import { rowMap } from "./row-map.ts";
import { readRow } from "./stored-row.ts";
import { isEmptySubjectRow, type SubjectRow } from "./subject-rows.ts";
import { UnreadableRow } from "./unreadable-row.ts";

/**
 * A place in a row that a revert leaves as it is, because it has been set anew since; no path for a row as a whole. Of a row
 * that came with the change and doesn't go with it, these are all the places that it still has.
 */
export type LeftPlace = { key: RowKey; path: string; revision: Revision };

/** What takes changes back: the rows that it changes, and what it leaves. */
export type Revert = { rows: RowChange[]; left: LeftPlace[] };

/**
 * Takes changes back, place by place, each where the row still says there what the change has put: what somebody has set
 * since stays. A pin, an alias and a cohort are one place each, and so are the other fields of a row.
 * @param newestFirst the changes, each taken back from what those before it have left
 * @throws TurnoutError `not allowed` for a row that couldn't be read before one of the changes
 */
export function revertChanges(
  newestFirst: readonly ChangeLogEntry[],
  stored: (key: RowKey) => StoredRow | undefined,
): Revert {
  const now = rowMap<null>();
  const left: LeftPlace[] = [];
  for (const { revision, rows } of newestFirst) {
    for (const change of rows) {
      const { key } = change;
      const reverted = revertRow(change, now.has(key) ? (now.get(key) ?? null) : (stored(key) ?? null), revision);
      now.set(key, reverted.row);
      left.push(...reverted.left.map((path) => ({ key, path, revision })));
    }
  }
  const rows = [...now].flatMap(([key, after]): RowChange[] => {
    const before = stored(key) ?? null;
    return sameRow(before, after) ? [] : [{ key, before, after }];
  });
  return { rows, left };
}

/** Rows are plain JSON. Their texts mostly compare; one from a file may have its fields in another order. */
export function sameRow(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null) || canonical(a ?? null) === canonical(b ?? null);
}

type RevertedRow = { row: StoredRow | null; left: string[] };

function revertRow(change: RowChange, now: StoredRow | null, revision: Revision): RevertedRow {
  const { key } = change;
  const [before, after] = isKeyOf("component", key)
    ? [withReleaseOf(now, change.before), withReleaseOf(now, change.after)]
    : [change.before, change.after];
  if (sameRow(now, before) || sameRow(before, after)) return { row: now, left: [] };
  if (before instanceof UnreadableRow) {
    throw new TurnoutError(
      "not allowed",
      `${key} could not be read before revision ${revision} (${before.problem}), and isn't put back to that. ` +
        "Nothing was changed. Set what you want by hand.",
    );
  }
  // What has been damaged since is what the revert repairs.
  if (sameRow(now, after) || now instanceof UnreadableRow) return { row: before, left: [] };
  const whole: RevertedRow = { row: now, left: [""] };
  if (after instanceof UnreadableRow) return whole;
  const [was, put, is] = [fieldsOf(key, before), fieldsOf(key, after), fieldsOf(key, now)];
  if (was === undefined || put === undefined || is === undefined) return whole;
  const left: string[] = [];
  const merged = revertFields(was, put, is, "", left);
  if (sameRow(merged, is)) return { row: now, left };
  const row = readRow(key, merged);
  // E.g. the alias that is to go has become the default since.
  if (!row.ok) return whole;
  if (isNoRow(key, row.value, before)) return { row: null, left };
  const kept = before === null && isSubjectKey(key) ? placesOf(row.value as SubjectRow) : [];
  return { row: row.value, left: [...new Set([...left, ...kept])] };
}

/** What a subject's row says, place by place: of one that would have gone, what has kept it. */
function placesOf({ pins, cohorts, ...fields }: SubjectRow): string[] {
  const pinned = Object.keys(pins).map((component) => `pins.${component}`);
  return [...pinned, ...(cohorts.length === 0 ? [] : ["cohorts"]), ...Object.keys(fields)];
}

/**
 * How far a release has come isn't set back with the rules that it has set: it would set them again. It finds them gone,
 * and pauses.
 */
function withReleaseOf(now: StoredRow | null, row: StoredRow | null): StoredRow | null {
  if (row === null || row instanceof UnreadableRow) return row;
  const { release: _, ...others } = row as Component;
  const standing = now === null || now instanceof UnreadableRow ? undefined : (now as Component).release;
  return standing === undefined ? others : { ...others, release: standing };
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a row; where there is none those that say nothing, and undefined where a part of a row is none either. */
function fieldsOf(key: RowKey, row: Row | null): Fields | undefined {
  if (row !== null) return row as Fields;
  if (isSubjectKey(key)) return { pins: {}, cohorts: [] };
  if (key === "settings#cohorts") return {};
  return key === "settings#guardrails" ? DEFAULT_GUARDRAILS : undefined;
}

function isNoRow(key: RowKey, row: Row, before: Row | null): boolean {
  if (isSubjectKey(key)) return isEmptySubjectRow(row as SubjectRow);
  if (key === "settings#cohorts") return Object.keys(row).length === 0;
  return before === null && sameRow(row, DEFAULT_GUARDRAILS);
}

/** Fields whose entries are places of their own. */
const RECORDS = new Set(["pins", "aliases", "guards", "retentionDaysByType"]);

function revertFields(was: Fields, put: Fields, is: Fields, path: string, left: string[]): Fields {
  const reverted: Record<string, unknown> = { ...is };
  for (const name of new Set([...Object.keys(was), ...Object.keys(put)])) {
    const value = revertPlace(
      own(was, name),
      own(put, name),
      own(is, name),
      path === "" ? name : `${path}.${name}`,
      left,
    );
    if (value === undefined) delete reverted[name];
    else reverted[name] = value;
  }
  return reverted;
}

function revertPlace(was: unknown, put: unknown, is: unknown, path: string, left: string[]): unknown {
  if (sameRow(was, put) || sameRow(is, was)) return is;
  if (sameRow(is, put)) return was;
  if (RECORDS.has(path))
    return revertFields((was ?? {}) as Fields, (put ?? {}) as Fields, (is ?? {}) as Fields, path, left);
  if (isSet(was) && isSet(put) && isSet(is)) return revertSet(was, put, is);
  left.push(path);
  return is;
}

/** Texts in no order that means anything: cohorts, protected subjects, aliases that need an end. */
function isSet(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === "string");
}

function revertSet(was: readonly string[], put: readonly string[], is: readonly string[]): string[] {
  const added = new Set(put.filter((element) => !was.includes(element)));
  const taken = was.filter((element) => !put.includes(element) && !is.includes(element));
  return [...is.filter((element) => !added.has(element)), ...taken].sort();
}
