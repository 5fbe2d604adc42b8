import { oddsText } from "../../../shared/domain/health/evidence-words.ts";
import type { ReleaseVerdict } from "../../../shared/domain/releases/next-step.ts";
import { nextText } from "../../../shared/domain/releases/release-state.ts";
import { isUnderWay, type Release, releaseActor, stepText } from "../../../shared/domain/routing/release.ts";
import { durationText } from "../../../shared/domain/text/duration.ts";
import type { LookedAt } from "../../../shared/flows/release/advance-release.ts";
import type { ReleaseOf } from "../../../shared/flows/release/find-release.ts";

/** Everything of a release, for a person. @param looked what comes next, while it is under way */
export function releaseLines({ component, release }: ReleaseOf, looked: LookedAt | undefined): string[] {
  const { id, version, alias, into, who, startedAt, why, everyMs, maxWaitMs, guard, force } = release;
  const waits = maxWaitMs === undefined ? "" : `, ${durationText(maxWaitMs)} longer at most`;
  return [
    `release ${id} of ${component.name}: version ${version} by way of ${alias} into ${into}`,
    `begun by ${who} at ${startedAt}: ${why}`,
    `a step every ${durationText(everyMs)}${waits}; guard: ${guard}${force ? "; past the guardrails" : ""}`,
    ...stepLines(release),
    ...endLines(release),
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

function stepLines({ steps, made, into, ended, since }: Release): string[] {
  const lines = steps.map((step, number) => {
    const mark = number < made ? (number === made - 1 && ended === undefined ? ">" : "x") : " ";
    return `  [${mark}] ${stepText(step)}${number === made - 1 && ended === undefined ? `  since ${since}` : ""}`;
  });
  return [...lines, `  [${ended?.how === "done" ? "x" : " "}] everybody: ${into}`];
}

function endLines({ paused, ending, ended }: Release): string[] {
  if (ended !== undefined) return [`${ended.how} by ${ended.who} at ${ended.at}: ${ended.why}`];
  if (ending !== undefined) return [`being taken back by ${ending.who} since ${ending.at}: ${ending.why}`];
  if (paused !== undefined) return [`paused by ${paused.who} at ${paused.at}: ${paused.why}`];
  return [];
}

/** For programs. */
export function releaseJson({ component, release }: ReleaseOf<{ name: string }>, looked: LookedAt | undefined) {
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
