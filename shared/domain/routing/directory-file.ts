import * as z from "zod/mini";
import { SubjectId } from "../subject.ts";
import { type CsvRecord, readCsv } from "../text/csv.ts";
import { splitJson } from "../text/json-items.ts";
import { type Read, read, readJson } from "../text/schema.ts";
import type { DirectoryRow } from "./routing-edit.ts";

const columns = ["project", "customer", "plan"] as const;

/** One line of a directory file. What is left out, null or empty says nothing. */
const DirectoryLine = z.strictObject({
  project: z.nullish(SubjectId),
  customer: z.nullish(SubjectId),
  plan: z.nullish(SubjectId),
});

export type BadLine = { where: string; problem: string };
/** Every project and customer once. */
export type DirectoryFile = { rows: DirectoryRow[]; bad: BadLine[] };

type StatedLine = { where: string; line: Read<z.infer<typeof DirectoryLine>> };

/**
 * Reads a directory from CSV (header `project,customer,plan`, any order) or from JSON objects with these fields (an
 * array, or one per line). A line gives a project its customer, a customer its plan, or both.
 */
export function readDirectoryFile(text: string): Read<DirectoryFile> {
  const first = text.replace(/^\uFEFF/, "").trimStart()[0];
  const lines = first === "{" || first === "[" ? jsonLines(text) : csvLines(text);
  if (!lines.ok) return lines;
  const stated = new Map<string, { row: DirectoryRow; where: string }>();
  const bad: BadLine[] = [];
  for (const { where, line } of lines.value) {
    const problem = line.ok ? takeLine(line.value, where, stated) : line.problem;
    if (problem !== undefined) bad.push({ where, problem });
  }
  return { ok: true, value: { rows: [...stated.values()].map(({ row }) => row), bad } };
}

/** Adds what a line states; answers the problem if it can't be taken. */
function takeLine(
  line: z.infer<typeof DirectoryLine>,
  where: string,
  stated: Map<string, { row: DirectoryRow; where: string }>,
): string | undefined {
  const { project, customer, plan } = line;
  if (!customer || (!project && !plan)) return "names neither a project with its customer nor a customer with its plan";
  const rows: DirectoryRow[] = [];
  if (project) rows.push({ level: "project", id: project, customer });
  if (plan) rows.push({ level: "customer", id: customer, plan });
  for (const row of rows) {
    const before = stated.get(`${row.level}#${row.id}`);
    if (before !== undefined && statedBy(before.row) !== statedBy(row)) {
      return `${row.level} ${row.id} has ${statedBy(row)} here and ${statedBy(before.row)} on ${before.where}`;
    }
  }
  for (const row of rows) stated.set(`${row.level}#${row.id}`, { row, where });
  return undefined;
}

function statedBy(row: DirectoryRow): string | null {
  return row.level === "project" ? row.customer : row.plan;
}

function jsonLines(text: string): Read<StatedLine[]> {
  const items = splitJson(text);
  if (!items.ok) return items;
  const lines = items.value.map(({ text: item, where }) => {
    const json = readJson(item);
    return { where: where === "" ? "line 1" : where, line: json.ok ? read(DirectoryLine, json.value) : json };
  });
  return { ok: true, value: lines };
}

function csvLines(text: string): Read<StatedLine[]> {
  const [header, ...records] = readCsv(text);
  const names = header?.cells.map((cell) => cell.text.trim()) ?? [];
  const unknown = names.find((name) => !columns.some((column) => column === name));
  if (unknown !== undefined || !names.includes("customer") || new Set(names).size < names.length) {
    return {
      ok: false,
      problem: `expected the header ${columns.join(",")} on the first line, found ${names.join(",")}`,
    };
  }
  return {
    ok: true,
    value: records.map((record) => ({ where: `line ${record.line}`, line: csvLine(record, names) })),
  };
}

function csvLine({ cells, problem }: CsvRecord, names: readonly string[]): StatedLine["line"] {
  if (problem !== undefined) return { ok: false, problem };
  if (cells.length !== names.length) {
    return { ok: false, problem: `has ${cells.length} cells, and the header has ${names.length}` };
  }
  // `a, b` is meant as `b` and would become ` b`: a customer that nobody ever hears from.
  const spaced = cells.find(({ text, quoted }) => !quoted && text !== text.trim());
  if (spaced !== undefined) {
    return {
      ok: false,
      problem: `'${spaced.text}' begins or ends with a space; take it away, or put the cell in quotes`,
    };
  }
  const filled = cells.map(({ text }, index) => [names[index], text === "" ? null : text]);
  return read(DirectoryLine, Object.fromEntries(filled));
}
