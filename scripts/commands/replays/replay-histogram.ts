const MINUTE_MS = 60_000;
const HOUR = 60;
const DAY = 24 * HOUR;

/** Rows of a histogram, at most; a longer window gets more minutes per row. */
const MAX_ROWS = 20;
const BAR_WIDTH = 40;

/** Minutes per row, of which a person knows where they begin. */
const STEPS = [1, 2, 5, 10, 15, 30, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY];

/** Matches per minute, as bars; by full minutes, hours or days where the window is long. */
export function histogram(perMinute: ReadonlyMap<number, number>, fromMs: number, toMs: number): string[] {
  const first = Math.floor(fromMs / MINUTE_MS);
  const last = Math.floor((toMs - 1) / MINUTE_MS);
  const step = stepFor(first, last);
  const start = startOf(first, step);
  const rows = new Array<number>(rowsFor(first, last, step)).fill(0);
  for (const [minute, count] of perMinute) {
    const row = Math.floor((minute / MINUTE_MS - start) / step);
    rows[row] = (rows[row] ?? 0) + count;
  }
  const most = Math.max(1, ...rows);
  const widest = `${most}`.length;
  const lines = rows.map((count, row) => {
    const time = timeText(start + row * step, step, Math.floor(first / DAY) === Math.floor(last / DAY));
    return `  ${time}  ${`${count}`.padStart(widest)}  ${bar(count / most)}`.trimEnd();
  });
  return [`matched per ${stepText(step)}, UTC`, ...withoutGaps(lines, rows)];
}

function rowsFor(first: number, last: number, step: number): number {
  return Math.floor((last - startOf(first, step)) / step) + 1;
}

/** When the first row begins: at a full step of the day, or with the day. */
function startOf(first: number, step: number): number {
  const unit = Math.min(step, DAY);
  return Math.floor(first / unit) * unit;
}

function stepFor(first: number, last: number): number {
  const known = STEPS.find((step) => rowsFor(first, last, step) <= MAX_ROWS);
  if (known !== undefined) return known;
  let days = 2;
  while (rowsFor(first, last, days * DAY) > MAX_ROWS) days += 1;
  return days * DAY;
}

function stepText(minutes: number): string {
  const [count, unit] =
    minutes >= DAY ? [minutes / DAY, "day"] : minutes >= HOUR ? [minutes / HOUR, "hour"] : [minutes, "minute"];
  return count === 1 ? unit : `${count} ${unit}s`;
}

/** When a row begins. */
function timeText(minute: number, step: number, sameDay: boolean): string {
  const at = new Date(minute * MINUTE_MS).toISOString();
  if (step >= DAY) return at.slice(0, 10);
  return sameDay ? at.slice(11, 16) : at.slice(5, 16).replace("T", " ");
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
