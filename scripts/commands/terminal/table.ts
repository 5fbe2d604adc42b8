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
  /** Left out where there is no room for it, the highest number first. */
  optional?: number;
  alignRight?: boolean;
  style?: (row: T) => Style | undefined;
};

const GAP = 2;

/** An optional column is left out before others are cut to less than this. */
const COMFORTABLE = 20;

/** Prints rows page by page in the same columns; a later page with longer texts makes them wider. */
export function tablePrinter<T>(columns: readonly Column<T>[]): { print(rows: readonly T[]): void } {
  const natural = columns.map(({ title }) => stringWidth(title));
  const seen = columns.map(() => false);
  let started = false;
  return {
    print(rows) {
      const cells = rows.map((row) => columns.map((column) => printable(column.text(row) ?? "")));
      columns.forEach((_, index) => {
        for (const line of cells) {
          const width = stringWidth(line[index] ?? "");
          if (width > 0) seen[index] = true;
          natural[index] = Math.max(natural[index] ?? 0, width);
        }
      });
      const available = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
      const widths = fitWidths(columns, natural, seen, available);
      const table = new Table({
        chars: NO_BORDERS,
        style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
        colWidths: widths.filter((width) => width > 0),
        colAligns: columns.filter((_, i) => widths[i] !== 0).map((column) => (column.alignRight ? "right" : "left")),
      });
      const shown = (line: readonly string[]) => line.filter((_, index) => widths[index] !== 0);
      if (!started) table.push(shown(columns.map(({ title }) => paint("dim", title))));
      const hidden = columns.filter((_, index) => seen[index] && widths[index] === 0).map(({ title }) => title);
      if (!started && hidden.length > 0)
        note(`no room for ${hidden.join(", ")}: a wider terminal or --json shows them`);
      started = true;
      rows.forEach((row, index) => {
        const line = cells[index] ?? [];
        table.push(shown(line.map((cell, i) => painted(cell, columns[i]?.style?.(row)))));
      });
      // Nothing follows the last column, so its padding is only in the way of whoever copies a line.
      process.stdout.write(`${table.toString().replace(/ +$/gm, "")}\n`);
    },
  };
}

/** Prints rows in columns, with a header. */
export function printTable<T>(columns: readonly Column<T>[], rows: readonly T[]): void {
  tablePrinter(columns).print(rows);
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
      columns[i]?.least === undefined ? width : Math.min(width, Math.max(columns[i].least, COMFORTABLE)),
    );
  const optional = columns
    .map((column, index) => ({ index, rank: column.optional ?? 0 }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank);
  for (const { index } of optional) if (total(cut()) > available) widths[index] = 0;
  // The widest of those that may be cut gives first, down to what it has to keep.
  while (total(widths) > available) {
    let widest = -1;
    columns.forEach(({ least }, index) => {
      const width = widths[index] ?? 0;
      if (least !== undefined && width > least && width > (widths[widest] ?? 0)) widest = index;
    });
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
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
