import type { TimeWindow } from "./time-window.ts";

const MINUTE_MS = 60_000;
const HOUR = 60;
const DAY = 24 * HOUR;

/** Minutes per row, of which a person knows where they begin. */
const STEPS = [1, 2, 5, 10, 15, 30, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY];

/** A window in rows of one length, which begin at a full step of the day, or with the day. All in minutes since the epoch. */
export type TimeRows = { step: number; starts: number[] };

/**
 * A window in rows, at most so many: a longer one gets more minutes per row.
 * @param least minutes that a row has at least: what is counted by the hour has no finer rows
 */
export function timeRows({ from, to }: TimeWindow, most: number, least = 1): TimeRows {
  const first = Math.floor(from.getTime() / MINUTE_MS);
  const last = Math.floor((to.getTime() - 1) / MINUTE_MS);
  const rowsFor = (step: number) => Math.floor((last - startOf(first, step)) / step) + 1;
  let step = STEPS.find((known) => known >= least && rowsFor(known) <= most) ?? 2 * DAY;
  while (rowsFor(step) > most) step += DAY;
  const start = startOf(first, step);
  return { step, starts: Array.from({ length: rowsFor(step) }, (_, row) => start + row * step) };
}

/** In which row a moment lies; undefined where it lies in none. */
export function rowAt({ step, starts: [start = 0, ...more] }: TimeRows, at: Date): number | undefined {
  const row = Math.floor((at.getTime() / MINUTE_MS - start) / step);
  return row >= 0 && row <= more.length ? row : undefined;
}

/** When a row begins, as short as it can be told: UTC. */
export function rowText({ step, starts }: TimeRows, row: number): string {
  const minute = starts[row] ?? 0;
  const at = new Date(minute * MINUTE_MS).toISOString();
  if (step >= DAY) return at.slice(0, 10);
  const last = Math.max((starts.at(-1) ?? 0) + step - 1, 0);
  const isOneDay = Math.floor((starts[0] ?? 0) / DAY) === Math.floor(last / DAY);
  return isOneDay ? at.slice(11, 16) : at.slice(5, 16).replace("T", " ");
}

/** How long a row is, e.g. `minute`, `5 minutes`. */
export function stepText({ step }: TimeRows): string {
  const [count, unit] = step >= DAY ? [step / DAY, "day"] : step >= HOUR ? [step / HOUR, "hour"] : [step, "minute"];
  return count === 1 ? unit : `${count} ${unit}s`;
}

function startOf(first: number, step: number): number {
  const unit = Math.min(step, DAY);
  return Math.floor(first / unit) * unit;
}
