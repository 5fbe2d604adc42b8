import * as z from "zod/mini";
import { EventSource } from "../events/event.ts";
import { SubjectId } from "../subject.ts";
import { canonical } from "../text/canonical-json.ts";
import { type Read, read, readJson } from "../text/schema.ts";
import { splitKey } from "../text/split-key.ts";
import { CohortRegister } from "./cohort.ts";
import { Component } from "./component.ts";
import { Guardrails } from "./guardrails.ts";
import { isRowKey, type Row, type RowAt, type RowKey, type StoredRow } from "./routing-change.ts";
import { SubjectRow } from "./subject-rows.ts";
import { UnreadableRow } from "./unreadable-row.ts";

const StrictSubjectRow = z.strictObject(SubjectRow.shape);

/** Reads a row and its key, as they come from a file. */
export function readKeyedRow(key: string, value: unknown): Read<{ key: RowKey; row: Row }> {
  if (!isRowKey(key)) return { ok: false, problem: `there are no rows such as '${key}'` };
  const row = readRow(key, value);
  return row.ok ? { ok: true, value: { key, row: row.value } } : row;
}

/**
 * Reads the row that stands under a key, wherever it comes from: a file, the table or the change log. As it was written,
 * unless its schema had something to add: written again it is then the same text.
 */
export function readRow<K extends RowKey>(key: K, value: unknown): Read<RowAt<K>> {
  const row = parseRow(key, value) as Read<RowAt<K>>;
  if (!row.ok) return row;
  return canonical(row.value) === canonical(value) ? { ok: true, value: value as RowAt<K> } : row;
}

/** The text of a row, to be stored. */
export function rowText(row: StoredRow): string {
  return row instanceof UnreadableRow ? row.text : JSON.stringify(row);
}

/** The row of a stored text. */
export function storedRow<K extends RowKey>(key: K, text: string): StoredRow<K> {
  const json = readJson(text);
  const row = json.ok ? readRow(key, json.value) : json;
  return row.ok ? row.value : new UnreadableRow(row.problem, text);
}

/** The row of a value that stands in the change log. */
export function loggedRow<K extends RowKey>(key: K, value: unknown): StoredRow<K> | null {
  if (value === null) return null;
  const row = readRow(key, value);
  if (row.ok) return row.value;
  return new UnreadableRow(row.problem, typeof value === "string" ? value : JSON.stringify(value));
}

function parseRow(key: string, row: unknown): Read<Row> {
  if (key === "settings#cohorts") return read<Row>(CohortRegister, row, "row");
  if (key === "settings#guardrails") return read<Row>(Guardrails, row, "row");
  if (!isRowKey(key)) return { ok: false, problem: `there are no rows such as '${key}'` };
  const [kind, id] = splitKey(key);
  if (kind === "component") return named(read(Component, row, "row"), id, ({ name }) => name);
  if (kind === "source") return named(read(EventSource, row, "row"), id, ({ source }) => source);
  const subject = read(SubjectId, id, "key");
  return subject.ok ? read<Row>(StrictSubjectRow, row, "row") : subject;
}

function named<T extends Row>(row: Read<T>, id: string, nameOf: (row: T) => string): Read<T> {
  if (!row.ok || nameOf(row.value) === id) return row;
  return { ok: false, problem: `its key says '${id}' and its row '${nameOf(row.value)}'` };
}
