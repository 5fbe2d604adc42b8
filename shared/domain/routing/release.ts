import * as z from "zod/mini";
import { sha256 } from "../hash.ts";
import { SubjectId } from "../subject.ts";
import { Instant, own } from "../text/schema.ts";
import { AliasName } from "./alias.ts";
import { CohortName } from "./cohort.ts";
import { guardModes } from "./guard-rule.ts";
import type { Pin } from "./pin.ts";
import { Rollout, shareText } from "./rollout.ts";
import type { SubjectRow } from "./subject-rows.ts";

/** Whom a release brings to its version next: a cohort, a plan, or a share of all. */
export const ReleaseStep = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("cohort"), cohort: CohortName }),
  z.strictObject({ kind: z.literal("plan"), plan: SubjectId }),
  z.strictObject({ kind: z.literal("share"), basisPoints: z.int().check(z.minimum(1), z.maximum(10_000)) }),
]);
export type ReleaseStep = z.infer<typeof ReleaseStep>;

/** Who said so, why and when. */
const Said = z.strictObject({ who: z.string(), why: z.string(), at: Instant });

/**
 * `done`: everybody is on the version. `aborted`: a person has taken it back. `stopped`: the version was worse than what
 * it was to replace.
 */
const releaseEnds = ["done", "aborted", "stopped"] as const;
export type ReleaseEnd = (typeof releaseEnds)[number];

/**
 * A version's way to everybody, step by step. It stands among the rules of its component, so that a step and what is
 * known of it are one change; the last one stays when it has ended.
 */
export const Release = z.strictObject({
  /** E.g. `24-faster-rule`. No other component has a release of this name. */
  id: z.string().check(z.regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, "expected a name such as 24-faster-rule")),
  version: z.string().check(z.minLength(1)),
  /** The alias that carries the version until it is promoted. */
  alias: AliasName,
  /** What the alias pointed at before; null for nothing. An abort puts it back. */
  aliasBefore: z.nullable(z.string()),
  /** The alias that gets the version in the end. */
  into: AliasName,
  /**
   * What that one pointed at when the release was started, or resumed: it pauses rather than replace what somebody has
   * put there since. Releases from before this was kept have none, and don't ask.
   */
  intoBefore: z.optional(z.nullable(z.string())),
  steps: z.array(ReleaseStep).check(z.minLength(1), z.maxLength(50)),
  /** Which id the shares are drawn by, and with what. */
  by: Rollout.shape.by,
  salt: z.string().check(z.minLength(1)),
  /** How long a step lasts at least. */
  everyMs: z.int().check(z.minimum(1_000)),
  /** How much longer a step may wait for a verdict before the release is paused. Default: as long as it takes. */
  maxWaitMs: z.optional(z.int().check(z.minimum(0))),
  /** What it does about a version that is worse: `rollback` and `undo` take the release back. */
  guard: z.enum(guardModes),
  /** Its alias is guarded for it, by nobody else. */
  setsGuard: z.optional(z.boolean()),
  /** Its steps go past the guardrails, and are logged as forced. */
  force: z.optional(z.boolean()),
  who: z.string(),
  why: z.string(),
  startedAt: Instant,
  /** How many steps have been made. */
  made: z.int().check(z.minimum(0)),
  /** Which of these have set a rule, by number from 0. A rule that stood there already isn't the release's to take away. */
  own: z.array(z.int().check(z.minimum(0))),
  /** When the last of them was made, or the release was resumed; before the first one, when it was started. */
  since: Instant,
  paused: z.optional(Said),
  /** Its rules are gone; what is left is to put its alias back, and to deliver again what failed. */
  ending: z.optional(z.extend(Said, { how: z.enum(releaseEnds) })),
  ended: z.optional(z.extend(Said, { how: z.enum(releaseEnds) })),
});
export type Release = z.infer<typeof Release>;

/** In words, e.g. `cohort staff`, `plan free`, `5%`. */
export function stepText(step: ReleaseStep): string {
  switch (step.kind) {
    case "cohort":
      return `cohort ${step.cohort}`;
    case "plan":
      return `plan ${step.plan}`;
    case "share":
      return shareText(step.basisPoints);
  }
}

/** The rule that a step sets. */
export function ruleText(step: ReleaseStep): string {
  switch (step.kind) {
    case "cohort":
      return `the route of cohort ${step.cohort}`;
    case "plan":
      return `the pin of plan ${step.plan}`;
    case "share":
      return "the rollout";
  }
}

/**
 * What a release's shares are drawn with: its own, and the same for whoever asks at that revision, so that whom a dry run or
 * a form shows is whom it takes.
 */
export function releaseSalt(component: string, revision: number): string {
  return sha256(JSON.stringify([component, revision])).slice(0, 16);
}

/** Who a release's changes are made as. */
export function releaseActor({ id }: Pick<Release, "id">): string {
  return `release/${id}`;
}

/** Whether it still has steps to make, or to take back. */
export function isUnderWay(release: Release | undefined): release is Release {
  return release !== undefined && release.ended === undefined;
}

/** The plans that it pins, whose rows its changes touch. */
export function plansOf({ steps }: Pick<Release, "steps">): string[] {
  return steps.flatMap((step) => (step.kind === "plan" ? [step.plan] : []));
}

/** The rows that a release's rules stand in. */
export type ReleaseRows = {
  component: {
    name: string;
    cohortRoutes: readonly { cohort: string; alias: string }[];
    rollout?: Rollout | undefined;
  };
  planRow: (plan: string) => SubjectRow | undefined;
};

/** The rule that stands where a step would set its own, in words, and where it sends to. */
export function standingRule(step: ReleaseStep, rows: ReleaseRows): { what: string; alias: string } | undefined {
  const alias = aliasAt(step, rows);
  return alias === undefined ? undefined : { what: ruleText(step), alias };
}

function aliasAt(step: ReleaseStep, { component, planRow }: ReleaseRows): string | undefined {
  switch (step.kind) {
    case "cohort":
      return component.cohortRoutes.find(({ cohort }) => cohort === step.cohort)?.alias;
    case "plan":
      return pinAt(step.plan, component.name, planRow)?.alias;
    case "share":
      return component.rollout?.alias;
  }
}

/** The first step whose rule isn't as the release has set it; undefined when all are. */
export function disturbedStep(release: Release, rows: ReleaseRows): ReleaseStep | undefined {
  for (const number of release.own) {
    const step = release.steps[number];
    if (step === undefined || isSuperseded(release, number)) continue;
    if (!stands(release, step, rows)) return step;
  }
  return undefined;
}

/** Whether a rule of a release stands as it has set it. */
export function stands(release: Release, step: ReleaseStep, { component, planRow }: ReleaseRows): boolean {
  const { alias, by, salt } = release;
  switch (step.kind) {
    case "cohort": {
      const route = component.cohortRoutes.find(({ cohort }) => cohort === step.cohort);
      return route !== undefined && sameFields(route, { cohort: step.cohort, alias });
    }
    case "plan": {
      const pin = pinAt(step.plan, component.name, planRow);
      const isOwn = pin?.who === releaseActor(release);
      return isOwn && pin.alias === alias && pin.until === undefined && pin.from === undefined;
    }
    case "share": {
      const { rollout } = component;
      return rollout !== undefined && sameFields(rollout, { alias, by, salt, basisPoints: step.basisPoints });
    }
  }
}

/** A share gives way to the next one. */
function isSuperseded({ steps, made }: Release, number: number): boolean {
  return steps[number]?.kind === "share" && steps.slice(number + 1, made).some(({ kind }) => kind === "share");
}

function pinAt(plan: string, component: string, planRow: ReleaseRows["planRow"]): Pin | undefined {
  return own(planRow(plan)?.pins ?? {}, component);
}

function sameFields(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => a[name] === b[name]);
}
