import { html } from "hono/html";
import { type StepState, stepStates } from "../../../shared/domain/releases/release-state.ts";
import { type Release, stepText } from "../../../shared/domain/routing/release.ts";
import type { Html } from "../screen.ts";

/** Where one state looks like another: by its word they are told apart. */
const LOOKS: Record<StepState, string> = {
  made: "made",
  now: "now",
  ahead: "ahead",
  "taken back": "taken-back",
  stays: "made",
  "not made": "ahead",
};

/** A release's way, a row for each step: which are made, where it stands, and what is ahead. */
export function stepsPicture(
  id: string,
  release: Pick<Release, "steps" | "made" | "own" | "into" | "version" | "ending" | "ended">,
): Html {
  const { steps, into, version } = release;
  const texts = [...steps.map(stepText), `everybody: ${into} points at ${version}`];
  const rows = stepStates(release).map((state, n) => ({ text: texts[n] ?? "", state }));
  return html`<ol class="steps" id="${id}">${rows.map(
    ({ text, state }, n) =>
      html`<li class="step-${LOOKS[state]}">${glyph(state, n === 0, n === rows.length - 1)}<span>${text}</span> <span class="soft">${state}</span></li>`,
  )}</ol>`;
}

/** A station on a line that goes down the rows. */
function glyph(state: StepState, isFirst: boolean, isLast: boolean): Html {
  return html`<svg class="station" width="20" height="28" aria-hidden="true"><line class="track" x1="10" x2="10" y1="${isFirst ? 14 : 0}" y2="${isLast ? 14 : 28}"/><circle class="stop-${LOOKS[state]}" cx="10" cy="14" r="${state === "now" ? 6 : 4.5}"/></svg>`;
}
