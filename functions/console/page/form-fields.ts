import { html } from "hono/html";
import type { ActionField, Choice } from "../actions/action.ts";
import type { Html } from "../screen.ts";
import { foreignText } from "./parts.ts";

/** More than this many are typed rather than chosen from. */
const MOST_CHOICES = 500;

/** A field as it was filled in, with what there is to choose from. */
export function formField(field: ActionField, choices: readonly Choice[], value: string | undefined): Html {
  const { name, label, hint } = field;
  const id = `field-${name}`;
  const required = field.required ? html` required` : "";
  const explained = hint === undefined ? "" : html`<p class="hint" id="${id}-hint">${hint}</p>`;
  const notes = choices.flatMap(({ note }) => note ?? []);
  const noted =
    notes.length === 0
      ? ""
      : html`<div class="notes" id="${id}-notes">${notes.map((note) => html`<p class="warn">${foreignText(note, 2_000)}</p>`)}</div>`;
  const by = [...(hint === undefined ? [] : [`${id}-hint`]), ...(notes.length === 0 ? [] : [`${id}-notes`])].join(" ");
  const described = by === "" ? "" : html` aria-describedby="${by}"`;
  if (field.kind === "flag") {
    const checked = value === undefined ? "" : html` checked`;
    return html`<div class="field"><label><input type="checkbox" name="${name}" value="yes"${checked}${described}> ${label}</label>${explained}</div>`;
  }
  // Nothing to choose from: what there is depends on a field that isn't filled in yet.
  const isChosen = field.kind === "choice" && choices.length > 0 && choices.length <= MOST_CHOICES;
  const input = isChosen
    ? html`<select id="${id}" name="${name}"${required}${described}>${options(choices, value, field.required ?? false)}</select>`
    : html`<input id="${id}" name="${name}" value="${value ?? ""}" autocomplete="off" spellcheck="false"${required}${described}>`;
  return html`<div class="field"><label for="${id}">${label}</label>${explained}${input}${noted}</div>`;
}

function options(choices: readonly Choice[], value: string | undefined, isRequired: boolean): Html {
  const isKnown = value === undefined || choices.some((choice) => choice.value === value);
  const all: readonly Choice[] = isKnown ? choices : [{ value }, ...choices];
  const none =
    isRequired && value !== undefined ? [] : [html`<option value="">${isRequired ? "Choose one" : "–"}</option>`];
  return html`${none}${all.map(
    (choice) =>
      html`<option value="${choice.value}"${choice.value === value ? html` selected` : ""}>${choice.text ?? choice.value}</option>`,
  )}`;
}

/** What was filled in before, carried along. */
export function hiddenFields(given: URLSearchParams): Html {
  return html`${[...given].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
}
