import type { NextOfRelease } from "../releases/next-step.ts";
import { type Release, stepText } from "../routing/release.ts";
import { actingCommand, noticeEvent } from "./notice.ts";

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
    acts: actsOn(component, release, done),
  };
  const did = done.do.replace(" ", "-");
  return noticeEvent({ type: "Release Step", detail }, `${component}-${id}-${startedAt}-${made}-${did}`);
}

/** What takes it back, or lets it go on; null once it is taken back. */
function actsOn(component: string, { id, into }: Release, done: NextOfRelease): string[] | null {
  const acts = (...words: string[]) => actingCommand("Release Step", ...words);
  if (done.do === "pause") return acts("release", "resume", id);
  if (done.do === "step" || done.do === "promote") return acts("release", "abort", id);
  return done.do === "finish" ? acts("rollback", component, into) : null;
}
