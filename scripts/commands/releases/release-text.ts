import { oddsText } from "../../../shared/domain/health/evidence-words.ts";
import type { ReleaseVerdict } from "../../../shared/domain/releases/next-step.ts";
import { nextText, type StepState, stepStates } from "../../../shared/domain/releases/release-state.ts";
import { statusOf } from "../../../shared/domain/replays/replay.ts";
import { progressText, toldCounts } from "../../../shared/domain/replays/replay-told.ts";
import { ReplayUnreadable } from "../../../shared/domain/replays/unreadable-replay.ts";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { isUnderWay, type Release, releaseActor, stepText } from "../../../shared/domain/routing/release.ts";
import { durationText } from "../../../shared/domain/text/duration.ts";
import type { LookedAt } from "../../../shared/flows/release/advance-release.ts";
import type { ReleaseOf } from "../../../shared/flows/release/find-release.ts";
import type { ReleaseStanding } from "../../../shared/flows/release/release-standing.ts";
import { startAgain } from "../../../shared/installation/changes/asked-release.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";

/** Everything of a release, for a person. @param looked what comes next, while it is under way */
export function releaseLines(found: ReleaseOf, looked: LookedAt | undefined, standing: ReleaseStanding): string[] {
  const { component, release } = found;
  const { id, version, alias, into, who, startedAt, why, everyMs, maxWaitMs, guard, force } = release;
  const waits = maxWaitMs === undefined ? "" : `, ${durationText(maxWaitMs)} longer at most`;
  return [
    `release ${id} of ${component.name}: version ${version} by way of ${alias} into ${into}`,
    `begun by ${who} at ${startedAt}: ${why}`,
    `a step every ${durationText(everyMs)}${waits}; guard: ${guard}${force ? "; past the guardrails" : ""}`,
    ...stepLines(release),
    ...endLines(release),
    ...standingLines(found, standing),
    ...(looked === undefined
      ? []
      : [`guard: ${looked.verdict.told}`, `meters: ${metersText(looked.verdict)}`, `next: ${nextText(looked)}`]),
  ];
}

/** Both of the guard's meters, e.g. `failed, A 12 to 1, B none`. */
export function metersText({ strongest }: ReleaseVerdict): string {
  if (strongest === undefined) return "none yet";
  const { metric, worseThanStable, worseThanBefore } = strongest;
  return `${metric}, A ${oddsText(worseThanStable)}, B ${oddsText(worseThanBefore)}`;
}

const MARKS: Record<StepState, string> = {
  made: "x",
  now: ">",
  ahead: " ",
  "taken back": "-",
  stays: "x",
  "not made": " ",
};

function stepLines(release: Release): string[] {
  const { steps, into, since } = release;
  const texts = [...steps.map(stepText), `everybody: ${into}`];
  return stepStates(release).map((state, number) => {
    const said = state === "now" ? `since ${since}` : state === "made" || state === "ahead" ? "" : state;
    return `  [${MARKS[state]}] ${texts[number]}${said === "" ? "" : `  ${said}`}`;
  });
}

/** What has become of the rest, and, once it is over, how it is begun anew. */
function standingLines({ component, release }: ReleaseOf, standing: ReleaseStanding): string[] {
  const { aliasVersion, intoVersion, replay } = standing;
  const { alias, into, ended } = release;
  const points = (version: string | null) => (version === null ? "no version" : `version ${version}`);
  const isOver = ended !== undefined && ended.how !== "done";
  return [
    `now: ${alias} points at ${points(aliasVersion)}, ${into} at ${points(intoVersion)}`,
    ...(replay === undefined ? [] : [`replay: ${replayText(replay)}`]),
    ...(isOver ? [`start it again: ${commandLine(...startAgain(component, release, []))} --reason TEXT`] : []),
  ];
}

function replayText({ name, found }: NonNullable<ReleaseStanding["replay"]>): string {
  if (found === undefined) return `${name}, not begun`;
  if (found instanceof ReplayUnreadable) return `${name}, which can't be read: ${found.problem}`;
  return `${name}, ${progressText(found, new Date())}; see '${commandLine("replay", "show", name)}'`;
}

function endLines({ paused, ending, ended }: Release): string[] {
  if (ended !== undefined) return [`${ended.how} by ${ended.who} at ${ended.at}: ${ended.why}`];
  if (ending !== undefined) return [`being taken back by ${ending.who} since ${ending.at}: ${ending.why}`];
  if (paused !== undefined) return [`paused by ${paused.who} at ${paused.at}: ${paused.why}`];
  return [];
}

function replayJson({ name, found }: NonNullable<ReleaseStanding["replay"]>) {
  if (found === undefined || found instanceof ReplayUnreadable)
    return { name, status: null, planned: null, sent: null, done: null, dead: null };
  const { sent, done, dead } = toldCounts(found);
  return { name, status: statusOf(found, new Date()), planned: found.planned.sent, sent, done, dead };
}

/** For programs. */
export function releaseJson(
  { component, release }: ReleaseOf<Pick<Component, "name" | "badVersions">>,
  looked: LookedAt | undefined,
  standing?: ReleaseStanding,
) {
  const { id, version, alias, aliasBefore, into, steps, made, everyMs, maxWaitMs, guard, force, who, why } = release;
  const { ended, ending, paused, startedAt, since } = release;
  return {
    id,
    component: component.name,
    version,
    alias,
    alias_before: aliasBefore,
    into,
    state: ended?.how ?? (ending ? "being taken back" : paused ? "paused" : "running"),
    under_way: isUnderWay(release),
    steps: steps.map(stepText),
    /** Of each step, and of everybody in the end. */
    step_states: stepStates(release),
    made,
    since,
    every_ms: everyMs,
    max_wait_ms: maxWaitMs ?? null,
    guard,
    forced: force ?? false,
    who,
    why,
    started_at: startedAt,
    actor: releaseActor(release),
    paused: paused ?? null,
    ended: ended ?? ending ?? null,
    alias_points_at: standing?.aliasVersion ?? null,
    into_points_at: standing?.intoVersion ?? null,
    replay: standing?.replay === undefined ? null : replayJson(standing.replay),
    verdict: looked === undefined ? null : verdictJson(looked.verdict),
    next: looked === undefined ? null : nextText(looked),
  };
}

function verdictJson({ says, told, strongest, more }: ReleaseVerdict) {
  const { metric, worseThanStable, worseThanBefore } = strongest ?? {};
  return {
    says,
    told,
    metric: metric ?? null,
    worse_than_stable: worseThanStable ?? null,
    worse_than_before: worseThanBefore ?? null,
    more_deliveries: more ?? null,
  };
}
