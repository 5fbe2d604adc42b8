import type { NextOfRelease } from "../releases/next-step.ts";
import { type Release, stepText } from "../routing/release.ts";
import { noticeEvent } from "./notice.ts";

/** The event that tells of what a release has just done; undefined where it waits. */
export function releaseStepNotice(
  component: string,
  release: Release,
  done: NextOfRelease,
  now: Date,
): string | undefined {
  if (done.do === "wait" || done.do === "move alias") return undefined;
  const { id, version, alias, made, steps, startedAt } = release;
  const step = steps[made];
  const detail = {
    ...{ release: id, component, version, alias },
    did: done.do,
    step: done.do === "step" && step !== undefined ? stepText(step) : null,
    why: "why" in done ? done.why : null,
    at: now.toISOString(),
    command: ["turnout", "release", "show", id],
  };
  return noticeEvent({ type: "Release Step", detail }, `${component}-${id}-${startedAt}-${made}-${done.do}`);
}
