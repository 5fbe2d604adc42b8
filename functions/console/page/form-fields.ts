import { html } from "hono/html";
import type { ActionField } from "../actions/action.ts";
import type { Html } from "../screen.ts";

/** More than this many are typed rather than chosen from. */
const MOST_CHOICES = 500;

/** A field as it was filled in, with what there is to choose from. */
export function formField(field: ActionField, choices: readonly string[], value: string | undefined): Html {
  const { name, label, hint } = field;
  const id = `field-${name}`;
  const described = hint === undefined ? "" : html` aria-describedby="${id}-hint"`;
  const required = field.required ? html` required` : "";
  const explained = hint === undefined ? "" : html`<p class="hint" id="${id}-hint">${hint}</p>`;
  if (field.kind === "flag") {
    const checked = value === undefined ? "" : html` checked`;
    return html`<div class="field"><label><input type="checkbox" name="${name}" value="yes"${checked}${described}> ${label}</label>${explained}</div>`;
  }
  const isChosen = field.kind === "choice" && choices.length <= MOST_CHOICES;
  const input = isChosen
    ? html`<select id="${id}" name="${name}"${required}${described}>${options(choices, value, field.required ?? false)}</select>`
    : html`<input id="${id}" name="${name}" value="${value ?? ""}" autocomplete="off" spellcheck="false"${required}${described}>`;
  return html`<div class="field"><label for="${id}">${label}</label>${explained}${input}</div>`;
}

function options(choices: readonly string[], value: string | undefined, isRequired: boolean): Html {
  const all = value === undefined || choices.includes(value) ? choices : [value, ...choices];
  const none =
    isRequired && value !== undefined ? [] : [html`<option value="">${isRequired ? "Choose one" : "–"}</option>`];
  return html`${none}${all.map(
    (choice) => html`<option value="${choice}"${choice === value ? html` selected` : ""}>${choice}</option>`,
  )}`;
}

/** What was filled in before, carried along. */
export function hiddenFields(given: URLSearchParams): Html {
  return html`${[...given].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
}
