import { html } from "hono/html";
import { printable } from "../../../shared/domain/text/printable.ts";
import { missingRight, type Right, type Visitor } from "../access/role.ts";
import type { Html } from "../screen.ts";
import { address, type Params } from "./address.ts";

/** Text that somebody else chose: shown as it is, whichever way it is written, and cut where it is long. */
export function foreignText(text: string, maxChars = 200): Html {
  const shown = text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`;
  return html`<bdi>${printable(shown)}</bdi>`;
}

/** A link to a screen, named by text that somebody else chose. */
export function linkTo(screen: string, params: Params, text: string): Html {
  return html`<a href="${address(screen, params)}">${foreignText(text)}</a>`;
}

/** Ids of events tell each other apart by their beginning; those that Turnout gives begin with words. */
const ID_CHARS = 12;
const WORDY_ID_CHARS = 20;

/** A link to an event, in a table: short, as the commands have it, with the whole id where the pointer rests on it. */
export function eventLink(id: string, at: Date): Html {
  const chars = /^[0-9a-f]{8}-/.test(id) ? ID_CHARS : WORDY_ID_CHARS;
  const params = { id, at: at.toISOString() };
  return html`<a href="${address("event", params)}" class="id" title="${printable(id)}">${foreignText(id, chars + 1)}</a>`;
}

/** The command that does the same, to copy. */
export function commandBlock(label: string, command: string): Html {
  return html`<figure class="command"><figcaption>${label}</figcaption><pre tabindex="0"><code data-copy>${command}</code></pre></figure>`;
}

/**
 * Leads to an action's form, with what is known of it filled in; who may not do it sees why.
 * @param nothing why there is nothing to do for anybody
 */
export function actionLink(
  visitor: Visitor,
  right: Right,
  action: string,
  params: Params,
  text: string,
  nothing?: string,
): Html {
  const missing = nothing ?? missingRight(visitor, right);
  if (missing === undefined) return html`<a class="button" href="${address(`do/${action}`, params)}">${text}</a>`;
  return html`<button class="button" type="button" aria-disabled="true" title="${missing}">${text}<span class="unseen">: ${missing}</span></button>`;
}

/** Names and what they stand for, a line each; what is undefined is left out. */
export function facts(entries: readonly (readonly [string, Html | string | number | undefined])[]): Html {
  const known = entries.filter(([, value]) => value !== undefined);
  return html`<dl class="facts">${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A point in time, to the second, as every log has it. */
export function instant(at: Date): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace("T", " ")}Z</time>`;
}

/** Lines of words as a list; those that are indented belong to the one before. */
export function textLines(lines: readonly string[]): Html {
  if (lines.length === 0) return html``;
  return html`<ul>${lines.map((line) => html`<li${line.startsWith(" ") ? html` class="below"` : ""}>${foreignText(line.trim(), 2_000)}</li>`)}</ul>`;
}
