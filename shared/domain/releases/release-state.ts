import { type Release, stepText } from "../routing/release.ts";
import type { NextOfRelease } from "./next-step.ts";

/** E.g. `step 2 of 5: plan free`, `paused`, `done`. */
export function stateText(release: Release): string {
  const { ended, ending, paused } = release;
  if (ended !== undefined) return ended.how;
  if (ending !== undefined) return "being taken back";
  if (paused !== undefined) return `paused at ${stepOf(release)}`;
  return stepOf(release);
}

function stepOf({ made, steps }: Release): string {
  const step = steps[made - 1];
  return step === undefined ? "not begun" : `step ${made} of ${steps.length}: ${stepText(step)}`;
}

/** What a release does next, and when. */
export function nextText({ release, next }: { release: Release; next: NextOfRelease }): string {
  const { alias, version, steps, made, into } = release;
  const step = steps[made];
  const after = step === undefined ? `version ${version} into ${into}` : stepText(step);
  switch (next.do) {
    case "wait":
      if (next.until !== undefined) return `${after} at ${next.until.toISOString()}, if the guard allows it`;
      return release.paused === undefined ? `${after}; it waits: ${next.because}` : "nothing, until it is resumed";
    case "pause":
      return `it pauses: ${next.why}`;
    case "move alias":
      return `${alias} gets version ${version}`;
    case "step":
    case "promote":
      return `${after}, now`;
    case "finish":
      return "its rules are taken away, now";
    case "take back":
      return `it is taken back: ${next.why}`;
    case "end":
      return "the rest is put back, now";
  }
}
