import { rowAt, rowText, stepText, timeRows } from "../../../shared/domain/text/time-rows.ts";

/** Rows of a histogram, at most; a longer window gets more minutes per row. */
const MAX_ROWS = 20;
const BAR_WIDTH = 40;

/** Matches per minute, as bars; by full minutes, hours or days where the window is long. */
export function histogram(perMinute: ReadonlyMap<number, number>, fromMs: number, toMs: number): string[] {
  const times = timeRows({ from: new Date(fromMs), to: new Date(toMs) }, MAX_ROWS);
  const rows = times.starts.map(() => 0);
  for (const [minute, count] of perMinute) {
    const row = rowAt(times, new Date(minute)) ?? 0;
    rows[row] = (rows[row] ?? 0) + count;
  }
  const most = Math.max(1, ...rows);
  const widest = `${most}`.length;
  const lines = rows.map((count, row) =>
    `  ${rowText(times, row)}  ${`${count}`.padStart(widest)}  ${bar(count / most)}`.trimEnd(),
  );
  return [`matched per ${stepText(times)}, UTC`, ...withoutGaps(lines, rows)];
}

/** Rows in which nothing is, taken together where there are more than three of them in a row. */
function withoutGaps(lines: readonly string[], rows: readonly number[]): string[] {
  const shown: string[] = [];
  for (let row = 0; row < rows.length; ) {
    let end = row;
    while (end < rows.length && rows[end] === 0) end += 1;
    if (end - row > 3) {
      shown.push(lines[row] ?? "", "  …", lines[end - 1] ?? "");
      row = end;
    } else {
      shown.push(lines[row] ?? "");
      row += 1;
    }
  }
  return shown;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Never empty for a part that isn't. */
function bar(part: number): string {
  const eighths = part === 0 ? 0 : Math.max(1, Math.round(part * BAR_WIDTH * 8));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}
