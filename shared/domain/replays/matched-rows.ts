import * as z from "zod/mini";
import { rowAt, type TimeRows, timeRows } from "../text/time-rows.ts";
import type { TimeWindow } from "../text/time-window.ts";

/** As many as a picture has bars. */
const MOST_ROWS = 60;

/** What a replay matches, by when it arrived: rows of one length, in minutes, the first of which begins at `first`. */
export const MatchedRows = z.looseObject({ first: z.number(), step: z.number(), counts: z.array(z.number()) });
export type MatchedRows = { first: number; step: number; counts: number[] };

/** @param perMinute by the minute's beginning in ms since the epoch */
export function matchedRows(window: TimeWindow, perMinute: ReadonlyMap<number, number>): MatchedRows {
  const times = timeRows(window, MOST_ROWS);
  const counts = times.starts.map(() => 0);
  for (const [minuteMs, count] of perMinute) {
    const row = rowAt(times, new Date(minuteMs));
    if (row !== undefined) counts[row] = (counts[row] ?? 0) + count;
  }
  return { first: times.starts[0] ?? 0, step: times.step, counts };
}

/** When these rows begin. */
export function timesOf({ first, step, counts }: MatchedRows): TimeRows {
  return { step, starts: counts.map((_, n) => first + n * step) };
}
