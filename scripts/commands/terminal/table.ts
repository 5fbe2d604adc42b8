import Table from "cli-table3";
// The version that the table fills its cells with: widths of another could differ from what it prints.
import stringWidth from "string-width";
import { printable } from "../../../shared/domain/text/printable.ts";
import { note, paint, type Style } from "./output.ts";

export type Column<T> = {
  title: string;
  text: (row: T) => string | undefined;
  /** How narrow it may be made where the terminal is; without this it is never cut. */
  least?: number;
  /** How narrow it may be made before optional columns are left out for it. Default: `COMFORTABLE` */
  comfortable?: number;
  /** Cut to that before any other is cut: what is said of a row goes before the row's ids do. */
  cutFirst?: true;
  /** Left out where there is no room for it, the highest number first. */
  optional?: number;
  /** Left out only where all others have no room at their narrowest, the highest number first. */
  lastOut?: number;
  /** How wide it is where its texts aren't known yet. */
  usual?: number;
  alignRight?: boolean;
  style?: (row: T) => Style | undefined;
};

const GAP = 2;

/** An optional column is left out before others are cut to less than this. */
const COMFORTABLE = 20;

/** Rows that columns are made for, when more of them may come. */
const ROWS_LOOKED_AT = 50;

export type TablePrinter<T> = { print(rows: readonly T[]): void; end(): void };

/**
 * Prints rows as they come, all in the columns that the first of them ask for: these wait until there are enough, or the
 * end. Later ones with longer texts make columns wider where there is room, and the header comes again only with a column
 * that had nothing in it before.
 */
export function tablePrinter<T>(columns: readonly Column<T>[]): TablePrinter<T> {
  const layout = tableLayout(columns, false);
  let waiting: T[] | undefined = [];
  function end(): void {
    if (waiting !== undefined && waiting.length > 0) layout.print(waiting);
    waiting = undefined;
  }
  return {
    print(rows) {
      if (waiting === undefined) return layout.print(rows);
      waiting.push(...rows);
      if (waiting.length >= ROWS_LOOKED_AT) end();
    },
    end,
  };
}

/** Prints rows at once, in columns that stay as they are from the first to the last: for what has no end. */
export function steadyPrinter<T>(columns: readonly Column<T>[]): Pick<TablePrinter<T>, "print"> {
  return tableLayout(columns, true);
}

function tableLayout<T>(
  columns: readonly Column<T>[],
  isSteady: boolean,
  out: NodeJS.WritableStream = process.stdout,
): Pick<TablePrinter<T>, "print"> {
  const natural = columns.map(({ title, usual = 0 }) => Math.max(stringWidth(title), isSteady ? usual : 0));
  const seen = columns.map(() => isSteady);
  let widths: number[] | undefined;

  function look(cells: readonly string[][]): boolean {
    let hasNew = false;
    columns.forEach((_, index) => {
      for (const line of cells) {
        const width = stringWidth(line[index] ?? "");
        if (width === 0) continue;
        hasNew ||= !seen[index];
        seen[index] = true;
        natural[index] = Math.max(natural[index] ?? 0, width);
      }
    });
    return hasNew;
  }

  function fitted(hasNew: boolean): { widths: number[]; header: boolean } {
    const isTerminal = process.stdout.isTTY === true;
    const available = isTerminal ? process.stdout.columns : Number.POSITIVE_INFINITY;
    if (widths === undefined || hasNew) return { widths: fitWidths(columns, natural, seen, available), header: true };
    if (isSteady && isTerminal) return { widths, header: false };
    const shown = widths.map((width) => width > 0);
    const kept = columns.map(({ optional: _, lastOut: __, ...column }) => column);
    return { widths: fitWidths(kept, natural, shown, available), header: false };
  }

  return {
    print(rows) {
      const cells = rows.map((row) => columns.map((column) => printable(column.text(row) ?? "")));
      const { header, widths: now } = fitted(look(cells));
      const isFirst = widths === undefined;
      widths = now;
      const isShown = (index: number) => now[index] !== 0;
      const table = new Table({
        chars: NO_BORDERS,
        style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
        colWidths: now.filter((width) => width > 0),
        colAligns: columns.filter((_, i) => isShown(i)).map((column) => (column.alignRight ? "right" : "left")),
      });
      const shown = (line: readonly string[]) => line.filter((_, index) => isShown(index));
      if (header) table.push(shown(columns.map(({ title }) => paint("dim", title))));
      const hidden = columns.filter((_, index) => seen[index] && !isShown(index)).map(({ title }) => title);
      if (isFirst && hidden.length > 0) note(`no room for ${hidden.join(", ")}: a wider terminal or --json shows them`);
      rows.forEach((row, index) => {
        const line = cells[index] ?? [];
        table.push(shown(line.map((cell, i) => painted(cell, columns[i]?.style?.(row)))));
      });
      // Nothing follows the last column, so its padding is only in the way of whoever copies a line.
      out.write(`${table.toString().replace(/ +$/gm, "")}\n`);
    },
  };
}

/** Prints rows in columns, with a header; where it isn't said, on stdout. */
export function printTable<T>(columns: readonly Column<T>[], rows: readonly T[], out?: NodeJS.WritableStream): void {
  tableLayout(columns, false, out).print(rows);
}

function painted(cell: string, style: Style | undefined): string {
  return style === undefined || cell === "" ? cell : paint(style, cell);
}

/** Width of each column; 0 for one that is left out. Empty columns are left out too. */
export function fitWidths<T>(
  columns: readonly Column<T>[],
  natural: readonly number[],
  seen: readonly boolean[],
  available: number,
): number[] {
  const widths = natural.map((width, index) => (seen[index] ? width : 0));
  const total = (of: readonly number[]) => of.reduce((sum, width) => (width === 0 ? sum : sum + width + GAP), -GAP);
  const cut = () =>
    widths.map((width, i) =>
      columns[i]?.least === undefined
        ? width
        : Math.min(width, Math.max(columns[i].least, columns[i].comfortable ?? COMFORTABLE)),
    );
  const least = () => widths.map((width, i) => Math.min(width, columns[i]?.least ?? width));
  const inTurn = (rankOf: (column: Column<T>) => number | undefined) =>
    columns
      .map((column, index) => ({ index, rank: rankOf(column) ?? 0 }))
      .filter(({ rank }) => rank > 0)
      .sort((a, b) => b.rank - a.rank);
  for (const { index } of inTurn(({ optional }) => optional)) if (total(cut()) > available) widths[index] = 0;
  for (const { index } of inTurn(({ lastOut }) => lastOut)) if (total(least()) > available) widths[index] = 0;
  // The widest of those that may be cut gives first, down to what it has to keep.
  while (total(widths) > available) {
    const index = widestCuttable(columns, widths, true) ?? widestCuttable(columns, widths, false);
    if (index === undefined) break;
    widths[index] = (widths[index] ?? 0) - 1;
  }
  return widths;
}

function widestCuttable<T>(
  columns: readonly Column<T>[],
  widths: readonly number[],
  onlyFirst: boolean,
): number | undefined {
  let widest: number | undefined;
  columns.forEach(({ least, cutFirst = false }, index) => {
    const width = widths[index] ?? 0;
    if (least === undefined || width <= least || (onlyFirst && !cutFirst)) return;
    if (widest === undefined || width > (widths[widest] ?? 0)) widest = index;
  });
  return widest;
}

const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: " ".repeat(GAP),
};
