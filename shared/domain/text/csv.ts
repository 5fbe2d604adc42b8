export type CsvCell = { text: string; quoted: boolean };
/** A line that isn't empty: its cells, or what is wrong with it. */
export type CsvRecord = { line: number; cells: CsvCell[]; problem?: string };

/**
 * Reads CSV as RFC 4180 has it: commas, and cells in double quotes where they hold commas or quotes (doubled). Other
 * than there, a cell can't hold a line end, as no id can: so a quote that is never closed spoils its own line and no
 * other. Lines end with LF or CRLF; empty ones are left out. Spaces are part of a cell.
 */
export function readCsv(text: string): CsvRecord[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  return lines.flatMap((line, index): CsvRecord[] => {
    const record = readLine(line, index + 1);
    const isEmpty = record.problem === undefined && record.cells.length === 1 && record.cells[0]?.text === "";
    return isEmpty ? [] : [record];
  });
}

function readLine(text: string, line: number): CsvRecord {
  const cells: CsvCell[] = [];
  for (let position = 0; ; position++) {
    const cell = text[position] === '"' ? quotedCell(text, position) : plainCell(text, position);
    if ("problem" in cell) return { line, cells: [], problem: cell.problem };
    cells.push({ text: cell.text, quoted: cell.quoted });
    position = cell.end;
    if (position >= text.length) return { line, cells };
  }
}

type CellRead = (CsvCell & { end: number }) | { problem: string };

function plainCell(line: string, start: number): CellRead {
  const comma = line.indexOf(",", start);
  const end = comma < 0 ? line.length : comma;
  const text = line.slice(start, end);
  if (text.includes('"')) {
    return { problem: "a quote inside a cell; put the whole cell in quotes and double this one" };
  }
  return { text, quoted: false, end };
}

function quotedCell(line: string, start: number): CellRead {
  let end = start + 1;
  for (;;) {
    end = line.indexOf('"', end);
    if (end < 0) return { problem: "a quote that is never closed" };
    if (line[end + 1] !== '"') break;
    end += 2;
  }
  const text = line.slice(start + 1, end).replaceAll('""', '"');
  if (end + 1 < line.length && line[end + 1] !== ",") return { problem: "text after a closing quote" };
  return { text, quoted: true, end: end + 1 };
}
