import { CohortNotFound, TurnoutError } from "../../domain/errors.ts";
import type { AliasMove } from "../../domain/routing/alias-move.ts";
import type { Component } from "../../domain/routing/component.ts";
import { badMark } from "../../domain/routing/guard-rule.ts";
import { guardrailsIn } from "../../domain/routing/guardrails.ts";
import { plansOf, Release, type ReleaseStep } from "../../domain/routing/release.ts";
import { releaseEdit } from "../../domain/routing/release-edit.ts";
import type { Revision, RowChange, RowKey } from "../../domain/routing/routing-change.ts";
import { applyEdit, type RoutingEdit } from "../../domain/routing/routing-edit.ts";
import { rowMap } from "../../domain/routing/row-map.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import type { SubjectKey } from "../../domain/subject.ts";
import { own, read } from "../../domain/text/schema.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { type ChangePreview, previewPlanned } from "../change/preview-change.ts";
import { type MovePreview, previewMove } from "../change/preview-move.ts";
import { componentNamed, requireVersion, versionBehind } from "../versions/component-named.ts";
import { releases } from "./find-release.ts";

export type PlanPorts = {
  table: RoutingTable;
  catalog: Pick<VersionCatalog, "aliases" | "versions">;
  events: StoredEvents;
};

/** A release as it is asked for. */
export type AskedRelease = Pick<
  Release,
  "version" | "steps" | "by" | "salt" | "everyMs" | "maxWaitMs" | "guard" | "force" | "who" | "why"
> & {
  component: string;
  /** Default: `beta`. */
  alias?: string | undefined;
  /** Default: the version with the first words of the reason. */
  id?: string | undefined;
  at: Date;
};

/** A release that could be started, and what it would do, all told from today's rules, directory and traffic. */
export type ReleasePlan = {
  release: Release;
  /** The revision of the routing that it is told from. */
  revision: Revision;
  edit: RoutingEdit;
  /** The first thing it does; undefined where its alias points at the version already. */
  move?: { move: AliasMove; preview: MovePreview };
  /** Who is moved by each step together with those before it, and what stands against that. */
  steps: { step: ReleaseStep; preview: ChangePreview }[];
  /** The last thing it does: everybody else. */
  promote: { move: AliasMove; preview: MovePreview };
};

const DEFAULT_ALIAS = "beta";

/**
 * Works out a release and everything that it would do. Changes nothing.
 * @throws ComponentNotFound, AliasNotFound, AliasRetired, CohortNotFound; TurnoutError `not found` for a version that isn't
 *   there, `usage` for an alias that is where everybody goes already, `not allowed` where another release is under way or
 *   somebody's rule is in the way
 */
export async function planRelease(ports: PlanPorts, asked: AskedRelease): Promise<ReleasePlan> {
  const { table, events } = ports;
  const { at } = asked;
  const component = await componentNamed(table, asked.component);
  const release = await wanted(ports, component, asked);
  const edit = releaseEdit(component.name, release, { do: "start", release });
  const planned = await plannedRows(table, component, release, at);
  const aliasMove = { component: component.name, alias: release.alias, from: release.aliasBefore, to: release.version };
  const moves = release.aliasBefore !== release.version;
  const promote = {
    component: component.name,
    alias: release.into,
    from: release.intoBefore ?? null,
    to: release.version,
  };
  const steps: ReleasePlan["steps"] = [];
  for (const [number, { rows, edit: stepEdit }] of planned.steps.entries()) {
    const preview = await previewPlanned(table, { ...planned, rows }, stepEdit, at, events);
    const step = release.steps[number];
    if (step !== undefined) steps.push({ step, preview });
  }
  return {
    release,
    revision: planned.revision,
    edit,
    ...(moves && { move: { move: aliasMove, preview: await previewMove({ table, events }, aliasMove, "set", at) } }),
    steps,
    promote: { move: promote, preview: await previewMove({ table, events }, promote, "promote", at) },
  };
}

async function wanted({ table, catalog }: PlanPorts, component: Component, asked: AskedRelease): Promise<Release> {
  const { component: _, alias = DEFAULT_ALIAS, id, at, maxWaitMs, force, ...rest } = asked;
  await requireVersion(catalog, component.name, rest.version);
  const aliasBefore = await versionBehind(catalog, component, alias);
  const into = component.defaultAlias;
  if (alias === into || alias === component.fallbackAlias) {
    throw new TurnoutError(
      "usage",
      `${alias} of ${component.name} is where everybody goes already. Name another alias.`,
    );
  }
  const intoBefore = await versionBehind(catalog, component, into);
  if (intoBefore === rest.version) {
    throw new TurnoutError("not allowed", `${into} of ${component.name} points at version ${rest.version} already.`);
  }
  await requireCohorts(table, rest.steps);
  const bad = badMark(component.badVersions, rest.version);
  if (bad !== undefined && !force) {
    throw new TurnoutError("not allowed", `Version ${bad.version} was found to be bad at ${bad.at}: ${bad.why}.`, {
      remedies: [{ operation: "force change" }],
    });
  }
  const taken = new Set((await releases(table)).map(({ release }) => release.id));
  const release = {
    ...rest,
    id: id ?? freeName(nameOf(rest.version, rest.why), taken),
    alias,
    aliasBefore,
    into,
    intoBefore,
    ...(maxWaitMs !== undefined && { maxWaitMs }),
    ...(force && { force }),
    startedAt: at.toISOString(),
    made: 0,
    own: [],
    since: at.toISOString(),
  };
  if (id !== undefined && taken.has(id))
    throw new TurnoutError("not allowed", `There is a release '${id}' already. Name another.`);
  const valid = read(Release, release, "release");
  if (!valid.ok) throw new TurnoutError("usage", `Not a release: ${valid.problem}.`);
  return valid.value;
}

async function requireCohorts(table: RoutingTable, steps: readonly ReleaseStep[]): Promise<void> {
  const { rows } = await table.rows(["settings#cohorts"]);
  const register = readable(rows.get("settings#cohorts")) ?? {};
  for (const step of steps) {
    if (step.kind !== "cohort" || own(register, step.cohort) !== undefined) continue;
    throw new CohortNotFound(step.cohort, Object.keys(register));
  }
}

/** The version with the first words of why: `24` and `Faster rule!` are `24-faster-rule`. */
function nameOf(version: string, why: string): string {
  const words = `${version} ${why}`
    .toLowerCase()
    .normalize("NFKD")
    .match(/[a-z0-9]+/g) ?? ["release"];
  return words.slice(0, 4).join("-").slice(0, 40).replace(/-+$/, "");
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** What the rows would be after each step, beside what they are now. */
async function plannedRows(table: RoutingTable, { name }: Component, release: Release, now: Date) {
  const keys: RowKey[] = [
    `component#${name}`,
    "settings#cohorts",
    "settings#guardrails",
    ...plansOf(release).map((plan): SubjectKey => `plan#${plan}`),
  ];
  const { revision, rows: stored } = await table.rows([...new Set(keys)]);
  const changed = rowMap<null>();
  const stand = <K extends RowKey>(key: K) => (changed.has(key) ? (changed.get(key) ?? undefined) : stored.get(key));
  const apply = (edit: RoutingEdit) => {
    for (const { key, after } of applyEdit(edit, stand, [], now)) changed.set(key, after);
  };
  apply(releaseEdit(name, release, { do: "start", release }));
  const steps = release.steps.map((_, made) => {
    const edit = releaseEdit(name, release, { do: "step", id: release.id, made, at: now.toISOString() });
    apply(edit);
    const rows = [...changed].map(([key, after]): RowChange => ({ key, before: stored.get(key) ?? null, after }));
    return { rows, edit };
  });
  return { revision, guardrails: guardrailsIn(stored.get("settings#guardrails")), steps };
}
