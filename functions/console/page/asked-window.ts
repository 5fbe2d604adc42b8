import { html } from "hono/html";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { readDurationMs } from "../../../shared/domain/text/duration.ts";
import type { Read } from "../../../shared/domain/text/schema.ts";
import { readTime, type TimeWindow, timeWindow } from "../../../shared/domain/text/time-window.ts";
import type { Html } from "../screen.ts";

const choices = ["15m", "1h", "3h", "1d", "7d"];

/** A window, and how it was asked for: what links carry on. */
export type AskedWindow = { window: TimeWindow; words: { since?: string; from?: string; to?: string } };

/** The window that an address names by `since`, `from` and `to`. @throws TurnoutError `usage` */
export function askedWindow(query: URLSearchParams, now: Date, usual = "1h"): AskedWindow {
  const word = (name: string) => query.get(name)?.trim() || undefined;
  const [from, to] = [word("from"), word("to")];
  const since = word("since") ?? (from === undefined ? usual : undefined);
  if (word("since") !== undefined && from !== undefined)
    throw new TurnoutError("usage", "Say since when or from when, and not both.");
  const times = { ...(from && { from: must("from", readTime(from)) }), ...(to && { to: must("to", readTime(to)) }) };
  const stated = since === undefined ? times : { ...times, sinceMs: must("since", readDurationMs(since)) };
  const window = must("The time window", timeWindow(stated as Parameters<typeof timeWindow>[0], now));
  return { window, words: { ...(since && { since }), ...(from && { from }), ...(to && { to }) } };
}

function must<T>(what: string, found: Read<T>): T {
  if (found.ok) return found.value;
  throw new TurnoutError("usage", `${what}: ${found.problem}.`);
}

/** How far back one looks, as a field of a form. */
export function sinceField({ since, from }: AskedWindow["words"]): Html {
  const known = since === undefined || choices.includes(since) ? choices : [since, ...choices];
  return html`<label>last<br><select name="since">${from === undefined ? "" : html`<option value="">from ${from}</option>`}${known.map(
    (choice) => html`<option${choice === since ? html` selected` : ""}>${choice}</option>`,
  )}</select></label>`;
}
