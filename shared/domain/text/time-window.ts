import type { Read } from "./schema.ts";

/** A stretch of time: `from` inclusive, `to` exclusive. */
export type TimeWindow = { from: Date; to: Date };

/** What an operator says of a window: how long it is, in ms, or where it begins. */
export type StatedWindow = { to?: Date } & ({ sinceMs?: number; from?: never } | { from?: Date; sinceMs?: never });

/** Far enough back for whoever looks at what has just happened. */
const DEFAULT_SINCE_MS = 15 * 60_000;

/** The window in absolute times: it ends at `to`, or after `now`, and begins at `from`, or `sinceMs` before its end. */
export function timeWindow({ sinceMs, from, to }: StatedWindow, now: Date): Read<TimeWindow> {
  // What arrived within this very millisecond belongs to the window too.
  const end = to ?? new Date(now.getTime() + 1);
  const start = from ?? new Date(end.getTime() - (sinceMs ?? DEFAULT_SINCE_MS));
  if (start < end) return { ok: true, value: { from: start, to: end } };
  return {
    ok: false,
    problem: `it would begin at ${start.toISOString()} and end at ${end.toISOString()}, so it is empty`,
  };
}

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?)?(Z|[+-]\d{2}:\d{2})?$/i;

/** Reads an ISO 8601 time. One without a zone is UTC, so that a command means the same on every machine. */
export function readTime(text: string): Read<Date> {
  const problem = "expected a time such as 2026-11-20T10:00Z or 2026-11-20 (UTC)";
  const match = TIME.exec(text);
  if (match === null) return { ok: false, problem };
  const [, day = "", minutes = "00:00", seconds = "00", fraction = "0", zone = "Z"] = match;
  const utc = `${day}T${minutes}:${seconds}.${fraction.padEnd(3, "0")}`;
  const time = new Date(utc + zone.toUpperCase());
  if (Number.isNaN(time.getTime())) return { ok: false, problem };
  // The 30th of February would be read as the 2nd of March.
  if (new Date(`${utc}Z`).toISOString() !== `${utc}Z`) return { ok: false, problem: "there is no such day or time" };
  return { ok: true, value: time };
}
