import { ComponentNotFound, ComponentUnreadable, TurnoutError } from "../errors.ts";
import type { SubjectKey } from "../subject.ts";
import { type Instant, own } from "../text/schema.ts";
import type { Component } from "./component.ts";
import { changeComponent } from "./component-change.ts";
import type { Guard } from "./guard-rule.ts";
import type { Pin } from "./pin.ts";
import {
  isUnderWay,
  plansOf,
  type Release,
  type ReleaseEnd,
  type ReleaseStep,
  releaseActor,
  standingRule,
  stands,
} from "./release.ts";
import { sameRow } from "./revert-row.ts";
import type { RowChange, RowKey, StoredRow } from "./routing-change.ts";
import { isEmptySubjectRow, type SubjectRow } from "./subject-rows.ts";
import { readable, UnreadableRow } from "./unreadable-row.ts";

type Said = { who: string; why: string; at: Instant };

/** What is done to a release. All but `start` name the one that they are meant for: another may stand there by now. */
export type ReleaseAct =
  /** Stores it, with no step made. */
  | { do: "start"; release: Release }
  /** Makes the next step, if so many have been made. */
  | { do: "step"; id: string; made: number; at: Instant }
  | ({ do: "pause"; id: string } & Said)
  /** `into`: what the alias points at by now that gets the version in the end. */
  | ({ do: "resume"; id: string; force?: boolean; into?: string | null } & Said)
  /** Takes away what is left of its rules: everything of it that is one change. */
  | ({ do: "take back"; id: string; how: ReleaseEnd } & Said)
  /** Says that nothing is left to do. */
  | { do: "end"; id: string };

export type ReleaseEdit = {
  kind: "release";
  component: string;
  /** Those that the release pins, if any. */
  plans: readonly string[];
  act: ReleaseAct;
};

/** The rows that it looks at or changes. */
export function releaseKeys({ component, plans, act }: ReleaseEdit): RowKey[] {
  const touchesRules = act.do !== "pause" && act.do !== "end";
  return [`component#${component}`, ...(touchesRules ? plans.map((plan): SubjectKey => `plan#${plan}`) : [])];
}

/**
 * The rows that it changes.
 * @throws ComponentNotFound, ComponentUnreadable; TurnoutError `not found` where there is no such release, `not allowed`
 *   where it isn't in the state for it or other rules stand where it would set its own
 */
export function releaseChanges(
  { component: name, plans, act }: ReleaseEdit,
  stored: (key: RowKey) => StoredRow | undefined,
  components: readonly string[],
): RowChange[] {
  const component = stored(`component#${name}`) as StoredRow<`component#${string}`> | undefined;
  if (component === undefined) throw new ComponentNotFound(name, components);
  if (component instanceof UnreadableRow) throw new ComponentUnreadable(name, component.problem);
  const planRows = new Map(plans.map((plan) => [plan, readable(stored(`plan#${plan}`)) as SubjectRow | undefined]));
  const after = acted({ component, planRows }, act);
  const changes: RowChange[] = [];
  if (!sameRow(component, after.component)) {
    changes.push({ key: `component#${name}`, before: component, after: after.component });
  }
  for (const [plan, row] of after.planRows) {
    const key: SubjectKey = `plan#${plan}`;
    const [was, is] = [stored(key) ?? null, row === undefined || isEmptySubjectRow(row) ? null : row];
    if (planRows.get(plan) !== row && !sameRow(was, is)) changes.push({ key, before: was, after: is });
  }
  return changes;
}

/** The rows that a release is about. */
type Rows = { component: Component; planRows: ReadonlyMap<string, SubjectRow | undefined> };

function acted(rows: Rows, act: ReleaseAct): Rows {
  if (act.do === "start") return started(rows, act.release);
  const release = releaseIn(rows.component, act.id);
  switch (act.do) {
    case "step":
      // Somebody else has made it.
      return release.made === act.made ? stepped(rows, release, act.at) : rows;
    case "pause": {
      const { who, why, at } = act;
      return release.paused === undefined ? withRelease(rows, { ...release, paused: { who, why, at } }) : rows;
    }
    case "resume": {
      const { paused, ...rest } = release;
      if (paused === undefined) throw new TurnoutError("not allowed", `Release ${act.id} isn't paused.`);
      return withRelease(rows, {
        ...rest,
        own: stillOwn(rows, release),
        since: act.at,
        ...(act.force && { force: true }),
        ...(act.into !== undefined && { intoBefore: act.into }),
      });
    }
    case "take back": {
      const { how, who, why, at } = act;
      const { paused: _, ...rest } = release;
      if (release.ending !== undefined) return rows;
      return withRelease(withoutRules(rows, release), { ...rest, ending: { how, who, why, at } });
    }
    case "end": {
      const { ending, ...rest } = release;
      return ending === undefined ? rows : withRelease(rows, { ...rest, ended: ending });
    }
  }
}

/** The steps whose rules stand. What somebody has set in the place of another is theirs from now on. */
function stillOwn(rows: Rows, release: Release): number[] {
  return release.own.filter((number) => {
    const step = release.steps[number];
    return step !== undefined && stands(release, step, viewOf(rows));
  });
}

/** @throws TurnoutError `not found` */
function releaseIn({ name, release }: Component, id: string): Release {
  if (isUnderWay(release) && release.id === id) return release;
  const ended = release?.id === id ? ` It has ended: ${release.ended?.how}.` : "";
  throw new TurnoutError("not found", `No release ${id} of ${name} is under way.${ended}`);
}

function started(rows: Rows, release: Release): Rows {
  const { component } = rows;
  if (isUnderWay(component.release)) {
    const { id, who, startedAt } = component.release;
    throw new TurnoutError(
      "not allowed",
      `Release ${id} of ${component.name} is under way, by ${who} since ${startedAt}. Nothing was changed.`,
      { remedies: [{ operation: "abort release", release: id }, "wait until it has ended"] },
    );
  }
  for (const step of release.steps) refuseOther(rows, release, step);
  const { alias, why, startedAt } = release;
  if (own(component.guards ?? {}, alias) !== undefined) return withRelease(rows, release);
  // Whoever guards it only says what it finds: what is done about it is the release's.
  const guard: Guard = { mode: "hold", who: releaseActor(release), why, at: startedAt };
  const guarded = changeComponent(component, { set: "guard", alias, guard });
  return withRelease({ ...rows, component: guarded }, { ...release, setsGuard: true });
}

/** @throws TurnoutError `not allowed` where somebody's rule stands that the step would overwrite */
function refuseOther(rows: Rows, release: Release, step: ReleaseStep): void {
  const { alias, steps } = release;
  const other = standingRule(step, viewOf(rows));
  if (other === undefined) return;
  const isOwnShare = step.kind === "share" && stillOwn(rows, release).some((number) => steps[number]?.kind === "share");
  if (isOwnShare || (step.kind !== "share" && other.alias === alias)) return;
  throw new TurnoutError(
    "not allowed",
    `There is ${other.what} of ${rows.component.name} already, to ${other.alias}: a release doesn't take over what ` +
      "somebody has set. Nothing was changed.",
    { remedies: ["take it away first", "leave out the step"] },
  );
}

function stepped(rows: Rows, release: Release, at: Instant): Rows {
  const { alias, steps, made, by, salt, why } = release;
  const step = steps[made];
  if (step === undefined) return rows;
  refuseOther(rows, release, step);
  const sets = step.kind === "share" || standingRule(step, viewOf(rows)) === undefined;
  const next = { ...release, made: made + 1, since: at, own: sets ? [...release.own, made] : release.own };
  if (!sets) return withRelease(rows, next);
  switch (step.kind) {
    case "cohort": {
      const route = { cohort: step.cohort, alias };
      return withRelease({ ...rows, component: changeComponent(rows.component, { set: "cohort route", route }) }, next);
    }
    case "plan": {
      const pin: Pin = { alias, who: releaseActor(release), why, at };
      return withRelease(withPin(rows, step.plan, pin), next);
    }
    case "share": {
      const rollout = { alias, by, salt, basisPoints: step.basisPoints };
      return withRelease(
        { ...rows, component: changeComponent(rows.component, { set: "rollout", rollout, reshuffle: true }) },
        next,
      );
    }
  }
}

/** What somebody has set since in a rule's place stays. */
function withoutRules(rows: Rows, release: Release): Rows {
  let left = withoutGuard(rows, release);
  for (const number of release.own) {
    const step = release.steps[number];
    if (step !== undefined && stands(release, step, viewOf(left))) left = withoutRule(left, step);
  }
  return left;
}

function withoutGuard(rows: Rows, release: Release): Rows {
  const { component } = rows;
  const guard = own(component.guards ?? {}, release.alias);
  if (!release.setsGuard || guard?.who !== releaseActor(release)) return rows;
  return { ...rows, component: changeComponent(component, { remove: "guard", alias: release.alias }) };
}

function withoutRule(rows: Rows, step: ReleaseStep): Rows {
  const { component } = rows;
  switch (step.kind) {
    case "cohort":
      return { ...rows, component: changeComponent(component, { remove: "cohort route", cohort: step.cohort }) };
    case "plan":
      return withPin(rows, step.plan, undefined);
    case "share":
      return { ...rows, component: changeComponent(component, { remove: "rollout" }) };
  }
}

function withPin(rows: Rows, plan: string, pin: Pin | undefined): Rows {
  const row = rows.planRows.get(plan) ?? { pins: {}, cohorts: [] };
  const { name } = rows.component;
  const { [name]: _, ...others } = row.pins;
  const pins = pin === undefined ? others : { ...others, [name]: pin };
  return { ...rows, planRows: new Map([...rows.planRows, [plan, { ...row, pins }]]) };
}

function withRelease(rows: Rows, release: Release): Rows {
  return { ...rows, component: { ...rows.component, release } };
}

function viewOf({ component, planRows }: Rows) {
  return { component, planRow: (plan: string) => planRows.get(plan) };
}

/** The release of a component that is under way, by its edit. */
export function releaseEdit(component: string, release: Pick<Release, "steps">, act: ReleaseAct): ReleaseEdit {
  return { kind: "release", component, plans: [...new Set(plansOf(release))], act };
}
