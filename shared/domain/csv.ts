import type { Read } from "./schema.ts";

export type CsvCell = { text: string; quoted: boolean };
/** A record and the line that it begins on; a quoted cell may run over several lines. */
export type CsvRecord = { line: number; cells: CsvCell[] };

/**
 * Reads CSV as RFC 4180 has it: commas, cells in double quotes where they hold commas, quotes (doubled) or line ends.
 * Lines end with LF or CRLF; empty ones are left out. Spaces are part of a cell.
 */
export function readCsv(text: string): Read<CsvRecord[]> {
  const csv = text.replace(/^\uFEFF/, "");
  const records: CsvRecord[] = [];
  let position = 0;
  let line = 1;
  while (position < csv.length) {
    const record: CsvRecord = { line, cells: [] };
    for (;;) {
      const cell = csv[position] === '"' ? quotedCell(csv, position) : plainCell(csv, position);
      if ("problem" in cell) return { ok: false, problem: `line ${line}: ${cell.problem}` };
      record.cells.push({ text: cell.text, quoted: cell.quoted });
      line += cell.text.split("\n").length - 1;
      position = cell.end;
      if (csv[position] !== ",") break;
      position++;
    }
    if (csv.startsWith("\r\n", position)) position++;
    position++;
    if (record.cells.length > 1 || record.cells[0]?.text !== "") records.push(record);
    line++;
  }
  return { ok: true, value: records };
}

type CellRead = (CsvCell & { end: number }) | { problem: string };

function plainCell(csv: string, start: number): CellRead {
  let end = start;
  while (end < csv.length && !isCellEnd(csv, end)) {
    if (csv[end] === '"') return { problem: "a quote inside a cell; put the whole cell in quotes and double this one" };
    end++;
  }
  return { text: csv.slice(start, end), quoted: false, end };
}

function quotedCell(csv: string, start: number): CellRead {
  let end = start + 1;
  for (;;) {
    end = csv.indexOf('"', end);
    if (end < 0) return { problem: "a quote that begins here is never closed" };
    if (csv[end + 1] !== '"') break;
    end += 2;
  }
  const text = csv.slice(start + 1, end).replaceAll('""', '"');
  if (end + 1 < csv.length && !isCellEnd(csv, end + 1)) return { problem: "text after a closing quote" };
  return { text, quoted: true, end: end + 1 };
}

function isCellEnd(csv: string, position: number): boolean {
  return csv[position] === "," || csv[position] === "\n" || csv.startsWith("\r\n", position);
}
