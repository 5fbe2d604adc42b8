import type { MetricVerdict } from "../health/guard-verdict.ts";
import type { Component } from "../routing/component.ts";
import type { Guardrails } from "../routing/guardrails.ts";
import { freezeText } from "../routing/guardrails.ts";
import { type Release, releaseActor } from "../routing/release.ts";

/**
 * What the guard says of the version that is released, and how it is told. `none`: no verdict, or not yet. `worse for one`:
 * somebody was taken off it since the last step.
 */
export type ReleaseVerdict = {
  says: "healthy" | "none" | "worse" | "worse for one";
  told: string;
  /** What it goes by, where the guard has looked: the metric that says most against the version. */
  strongest?: MetricVerdict;
  /** About so many more deliveries would show one that fails ten times as often; null where none would. */
  more?: number | null;
};

/** What is known of a release when it is looked at. */
export type SeenRelease = {
  component: Pick<Component, "name" | "allStable" | "defaultAlias">;
  release: Release;
  guardrails: Guardrails;
  /** What the release's alias points at, and the one that gets the version in the end; null for nothing. */
  aliasVersion: string | null;
  intoVersion: string | null;
  /** The rule of its own that somebody has changed, and who. */
  disturbed?: string;
  /** Whether the version still exists. */
  exists: boolean;
  verdict: ReleaseVerdict;
};

export type NextOfRelease =
  /** Nothing to do: until then, or for as long as this holds. */
  | { do: "wait"; until?: Date; because: string }
  | { do: "pause"; why: string }
  /** The alias gets the version. */
  | { do: "move alias" }
  | { do: "step" }
  | { do: "promote" }
  /** Everybody is on the version: its rules go. */
  | { do: "finish" }
  /** The version is worse: what was moved goes back. */
  | { do: "take back"; why: string }
  /** Rules are gone already: the alias goes back, and what failed is delivered again. */
  | { do: "end" };

/**
 * What a release does next. A freeze and all-stable hold it, a person's change pauses it, a version that is worse stops it
 * as its guard says, also where it has paused by itself, and a step ends when its time is over and the verdict allows it.
 * Without a verdict it only waits: it is never taken back for want of one.
 */
export function nextOfRelease(seen: SeenRelease, now: Date): NextOfRelease {
  const { component, release, guardrails, aliasVersion, intoVersion, verdict } = seen;
  const { alias, version, made, steps, guard, paused } = release;
  if (release.ending !== undefined) return { do: "end" };
  const isByPerson = isPausedByPerson(release);
  // Promoted, by it or by a person: there is nobody left to bring to the version, or to take back from it.
  if (intoVersion === version && !isByPerson) return { do: "finish" };
  if (verdict.says === "worse" && takesItselfBack(release)) {
    return { do: "take back", why: verdict.told };
  }
  if (paused !== undefined) return { do: "wait", because: `paused by ${paused.who}: ${paused.why}` };
  if (component.allStable !== undefined) {
    return { do: "wait", because: `all stable by ${component.allStable.who}: ${component.allStable.why}` };
  }
  if (guardrails.freeze !== undefined) return { do: "wait", because: freezeText(guardrails.freeze) };
  if (!seen.exists) return { do: "pause", why: `version ${version} is gone` };
  if (seen.disturbed !== undefined) return { do: "pause", why: seen.disturbed };
  const elsewhere = otherGoal(seen);
  if (elsewhere !== undefined) return { do: "pause", why: elsewhere };
  if (aliasVersion !== version) {
    if (made === 0 && aliasVersion === release.aliasBefore) return { do: "move alias" };
    return { do: "pause", why: `${alias} points at ${aliasVersion ?? "no version"}, not at ${version}` };
  }
  // Whoever was on the alias already has the version since it was moved.
  if (verdict.says === "worse" && guard === "hold") return { do: "pause", why: `held by its guard: ${verdict.told}` };
  // Everybody would have the version in the end, and so would they.
  if (verdict.says === "worse for one") return { do: "pause", why: verdict.told };
  if (made === 0) return { do: "step" };
  const until = new Date(Date.parse(release.since) + release.everyMs);
  if (now < until) return { do: "wait", until, because: "the step's time isn't over" };
  if (verdict.says === "none") {
    const { maxWaitMs } = release;
    const isOver = maxWaitMs !== undefined && now.getTime() >= until.getTime() + maxWaitMs;
    return isOver ? { do: "pause", why: verdict.told } : { do: "wait", because: verdict.told };
  }
  return { do: made < steps.length ? "step" : "promote" };
}

/** Whether it is taken back by itself if its version is worse: a person's pause keeps everybody where they are. */
export function takesItselfBack(release: Release): boolean {
  return (release.guard === "rollback" || release.guard === "undo") && !isPausedByPerson(release);
}

function isPausedByPerson(release: Release): boolean {
  return release.paused !== undefined && release.paused.who !== releaseActor(release);
}

/** What has become of the alias that is to get the version in the end, if that isn't what the release has begun with. */
function otherGoal({ component, release, intoVersion }: SeenRelease): string | undefined {
  const { into, intoBefore, version } = release;
  if (component.defaultAlias !== into) return `${component.defaultAlias} is the default alias by now, not ${into}`;
  if (intoBefore === undefined || intoVersion === intoBefore) return undefined;
  return (
    `${into} points at ${intoVersion ?? "no version"} by now, and did at ${intoBefore ?? "no version"}: ` +
    `resumed, the release puts ${version} in its place`
  );
}
