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

/**
 * How a step stands. `taken back`: its rule is gone again. `stays`: once everything else is taken back, for the rule that it
 * found, or somebody has put there, isn't the release's own. `not made`: it never comes to it.
 */
export type StepState = "made" | "now" | "ahead" | "taken back" | "stays" | "not made";

type WayOf = Pick<Release, "steps" | "made" | "own" | "ending" | "ended">;

/** How each step of a release stands, and, in the end, that everybody gets the version. */
export function stepStates({ steps, made, own, ending, ended }: WayOf): StepState[] {
  const over = ended ?? ending;
  const isBack = over !== undefined && over.how !== "done";
  const stateOf = (number: number): StepState => {
    if (number >= made) return over === undefined ? "ahead" : "not made";
    if (isBack) return own.includes(number) ? "taken back" : "stays";
    return number === made - 1 && over === undefined ? "now" : "made";
  };
  const last: StepState = over === undefined ? "ahead" : isBack ? "not made" : "made";
  return [...steps.map((_, number) => stateOf(number)), last];
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
