import * as z from "zod/mini";
import { type Read, read, readJson } from "../text/schema.ts";
import type { Revision, Row, RowKey } from "./routing-change.ts";
import { readKeyedRow } from "./stored-row.ts";

/** The form of an exported routing state. A file with a higher number was written by a newer Turnout. */
const ROUTING_FILE_FORMAT = 1;

/** The whole routing state: every row, as of one revision. */
export type RoutingFile = { revision: Revision; rows: Map<RowKey, Row> };

/** A row that can't be taken, and where it stands, e.g. `line 4, rows.2 (customer#acme)`. */
export type BadRow = { where: string; problem: string };

const Envelope = z.strictObject({
  format: z.literal(ROUTING_FILE_FORMAT),
  revision: z.int().check(z.minimum(0)),
  rows: z.array(z.unknown()),
});

const FileRow = z.strictObject({ key: z.string(), row: z.unknown() });

/** Begins the text of a file; the rows follow, one per line, and then `routingFileEnd`. */
export function routingFileStart(revision: Revision): string {
  return `{"format":${ROUTING_FILE_FORMAT},"revision":${revision},"rows":[`;
}

export const routingFileEnd = "\n]}\n";

/** Reads an exported routing state. Every bad row is told; with any of them the file is not to be imported. */
export function readRoutingFile(text: string): Read<RoutingFile & { bad: BadRow[] }> {
  const json = readJson(text.replace(/^\uFEFF/, ""));
  if (!json.ok) return json;
  const format = formatOf(json.value);
  if (typeof format === "number" && format > ROUTING_FILE_FORMAT) {
    return {
      ok: false,
      problem: `has format ${format}, and this Turnout knows up to ${ROUTING_FILE_FORMAT}; use the newer Turnout`,
    };
  }
  const envelope = read(Envelope, json.value);
  if (!envelope.ok) return envelope;
  const rows = new Map<RowKey, Row>();
  const bad: BadRow[] = [];
  envelope.value.rows.forEach((item, index) => {
    const entry = readFileRow(item);
    const twice = entry.ok && rows.has(entry.value.key);
    if (entry.ok && !twice) rows.set(entry.value.key, entry.value.row);
    else bad.push({ where: place(text, item, index), problem: entry.ok ? "stands in the file twice" : entry.problem });
  });
  return { ok: true, value: { revision: envelope.value.revision, rows, bad } };
}

function formatOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
}

function readFileRow(item: unknown): Read<{ key: RowKey; row: Row }> {
  const entry = read(FileRow, item);
  if (!entry.ok) return entry;
  return readKeyedRow(entry.value.key, entry.value.row);
}

/** The path of a row, with its key and line where these can be told. */
function place(text: string, item: unknown, index: number): string {
  const path = `rows.${index}`;
  const key = typeof item === "object" && item !== null && "key" in item ? item.key : undefined;
  if (typeof key !== "string") return path;
  const quoted = JSON.stringify(key);
  const at = Math.max(text.lastIndexOf(`"key":${quoted}`), text.lastIndexOf(`"key": ${quoted}`));
  const line = at < 0 ? "" : `line ${text.slice(0, at).split("\n").length}, `;
  return `${line}${path} (${key})`;
}
