import { html } from "hono/html";
import { type Release, stepText } from "../../../shared/domain/routing/release.ts";
import type { Html } from "../screen.ts";

type StepState = "made" | "now" | "ahead" | "taken back";

/** A release's way, a row for each step: which are made, where it stands, and what is ahead. */
export function stepsPicture(
  id: string,
  release: Pick<Release, "steps" | "made" | "into" | "version" | "ended">,
): Html {
  const { steps, made, into, version, ended } = release;
  const isOver = ended !== undefined;
  const isBack = isOver && ended.how !== "done";
  const stateOf = (n: number): StepState => {
    if (n >= made) return isOver && !isBack ? "made" : "ahead";
    if (isBack) return "taken back";
    return n === made - 1 && !isOver ? "now" : "made";
  };
  const last: StepState = isOver && !isBack ? "made" : "ahead";
  const rows = [
    ...steps.map((step, n) => ({ text: stepText(step), state: stateOf(n) })),
    { text: `everybody: ${into} points at ${version}`, state: last },
  ];
  return html`<ol class="steps" id="${id}">${rows.map(
    ({ text, state }, n) =>
      html`<li class="step-${state.replace(" ", "-")}">${glyph(state, n === 0, n === rows.length - 1)}<span>${text}</span> <span class="soft">${state}</span></li>`,
  )}</ol>`;
}

/** A station on a line that goes down the rows. */
function glyph(state: StepState, isFirst: boolean, isLast: boolean): Html {
  return html`<svg class="station" width="20" height="28" aria-hidden="true"><line class="track" x1="10" x2="10" y1="${isFirst ? 14 : 0}" y2="${isLast ? 14 : 28}"/><circle class="stop-${state.replace(" ", "-")}" cx="10" cy="14" r="${state === "now" ? 6 : 4.5}"/></svg>`;
}
