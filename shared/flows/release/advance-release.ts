import { GuardrailHit, RevisionConflict, TurnoutError } from "../../domain/errors.ts";
import {
  type NextOfRelease,
  nextOfRelease,
  type ReleaseVerdict,
  type SeenRelease,
} from "../../domain/releases/next-step.ts";
import type { AliasMove, MoveKind } from "../../domain/routing/alias-move.ts";
import type { Component } from "../../domain/routing/component.ts";
import { guardrailsIn } from "../../domain/routing/guardrails.ts";
import {
  disturbedStep,
  isUnderWay,
  plansOf,
  type Release,
  releaseActor,
  stepText,
} from "../../domain/routing/release.ts";
import { type ReleaseAct, releaseEdit } from "../../domain/routing/release-edit.ts";
import type { Revision, RowKey } from "../../domain/routing/routing-change.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import type { SubjectKey } from "../../domain/subject.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { changeOf } from "../change/change-log.ts";
import { changeRoutes } from "../change/change-routes.ts";
import { commitAsShown } from "../change/commit-as-shown.ts";
import { previewChange } from "../change/preview-change.ts";
import { aliasHistory } from "../versions/alias-history.ts";
import { giveUpMoves } from "../versions/finish-moves.ts";
import { moveAlias, versionOf } from "../versions/move-alias.ts";
import { disturbedBy } from "./disturbed-by.ts";

export type ReleasePorts = {
  table: RoutingTable;
  catalog: Pick<VersionCatalog, "aliases" | "versions" | "moveAlias">;
  events: StoredEvents;
  /** What the guard says of the release's version since the release began. */
  judge(component: Component, release: Release, now: Date): Promise<ReleaseVerdict>;
  /** Has delivered again what failed on the version. Asked for again with the same release it does nothing more. */
  heal(component: Component, release: Release, now: Date): Promise<void>;
  newId: () => string;
};

/** How a release stands, and what comes next; undefined where the component has none that is under way. */
export type LookedAt = {
  component: Component;
  release: Release;
  revision: Revision;
  next: NextOfRelease;
  verdict: ReleaseVerdict;
};

/** Looks at a component's release. Changes nothing. */
export async function lookAtRelease(
  ports: Pick<ReleasePorts, "table" | "catalog" | "judge">,
  component: Component,
  now: Date,
): Promise<LookedAt | undefined> {
  if (!isUnderWay(component.release)) return undefined;
  const seen = await seenRelease(ports, component, component.release, now);
  return seen && { ...seen.is, next: nextOfRelease(seen.is, now) };
}

/**
 * Does what comes next, if anything does: one thing at a look. What somebody else has changed meanwhile is looked at
 * anew the next time.
 * @returns what was done; undefined where the component has no release under way
 */
export async function advanceRelease(
  ports: ReleasePorts,
  component: Component,
  now: Date,
): Promise<NextOfRelease | undefined> {
  const looked = await lookAtRelease(ports, component, now);
  if (looked === undefined) return undefined;
  const { release, next } = looked;
  try {
    await doNext(ports, looked, now);
  } catch (error) {
    // Others were first, and may have ended it.
    if (error instanceof RevisionConflict || (await isEnded(ports, looked))) return next;
    const why = error instanceof TurnoutError && error.kind !== "failed" ? refusalOf(error) : undefined;
    if (why === undefined || next.do === "end" || next.do === "take back") throw error;
    await act(
      ports,
      looked,
      { do: "pause", id: release.id, who: releaseActor(release), why, at: now.toISOString() },
      now,
    );
    return { do: "pause", why };
  }
  return next;
}

async function isEnded({ table }: ReleasePorts, { component: { name }, release }: LookedAt): Promise<boolean> {
  const { rows } = await table.rows([`component#${name}`]);
  const standing = readable(rows.get(`component#${name}`))?.release;
  return standing?.id !== release.id || standing.ended !== undefined;
}

function refusalOf(error: TurnoutError): string {
  if (error instanceof GuardrailHit) return error.objections.map(({ says }) => says).join("; ");
  return error.message.replace(/ Nothing was changed\.$/, "").replace(/\.$/, "");
}

async function doNext(ports: ReleasePorts, looked: LookedAt, now: Date): Promise<void> {
  const { component, release, next } = looked;
  const { id, alias, version, into, made } = release;
  const [who, at] = [releaseActor(release), now.toISOString()];
  switch (next.do) {
    case "wait":
      return;
    case "pause":
      await giveUpMoves(ports, who, component.name, now);
      return act(ports, looked, { do: "pause", id, who, why: next.why, at }, now);
    case "move alias":
      return move(ports, looked, { alias, from: release.aliasBefore, to: version }, "set", now);
    case "step":
      return makeStep(ports, looked, { do: "step", id, made, at }, now);
    case "promote": {
      const from =
        release.intoBefore === undefined
          ? await versionOf(ports.catalog, { component: component.name, alias: into })
          : release.intoBefore;
      return move(ports, looked, { alias: into, from, to: version }, "promote", now);
    }
    case "finish":
      await act(ports, looked, { do: "take back", id, how: "done", who, why: "everybody is on it", at }, now);
      return act(ports, looked, { do: "end", id }, now);
    case "take back":
      return act(ports, looked, { do: "take back", id, how: "stopped", who, why: next.why, at }, now);
    case "end":
      return endRelease(ports, looked, now);
  }
}

/** Its rules are gone. The aliases go back to what they were, but for one that somebody has moved on. */
async function endRelease(ports: ReleasePorts, looked: LookedAt, now: Date): Promise<void> {
  const { component, release } = looked;
  const { id, alias, into, version, ending, guard } = release;
  const { name } = component;
  // A move that a crash has left intended would be made after all, a minute after everything went back.
  await giveUpMoves(ports, releaseActor(release), name, now);
  if (ending?.how !== "done") {
    // Promoted, and taken back before that was noticed. One alias at a look: the other is moved as of another revision.
    const isPromoted =
      (await versionOf(ports.catalog, { component: name, alias: into })) === version &&
      (await isMovedByIt(ports, looked));
    if (isPromoted && release.intoBefore) {
      return move(ports, looked, { alias: into, from: version, to: release.intoBefore }, "rollback", now);
    }
    const to = await versionToGoBackTo(ports, looked);
    if (to !== undefined && (await versionOf(ports.catalog, { component: name, alias })) === version) {
      await move(ports, looked, { alias, from: version, to }, "rollback", now);
    }
  }
  if (ending?.how === "stopped" && guard === "undo") await ports.heal(component, release, now);
  await act(ports, looked, { do: "end", id }, now);
}

/** Whether the alias that gets the version in the end has it from this release. */
async function isMovedByIt({ table, catalog }: ReleasePorts, { component, release }: LookedAt): Promise<boolean> {
  const { revision } = await aliasHistory(table, catalog, component.name, release.into);
  return revision !== undefined && (await changeOf(table, revision))?.who === releaseActor(release);
}

/**
 * Where its alias goes back to: what it pointed at before, or what everybody has where it pointed nowhere, for it can't be
 * pointed nowhere again, or where that is deleted. Undefined where it stays.
 */
async function versionToGoBackTo(ports: ReleasePorts, { component, release }: LookedAt): Promise<string | undefined> {
  const { aliasBefore, into, version } = release;
  if (aliasBefore === version) return undefined;
  const there = (await ports.catalog.versions(component.name)).map((published) => published.version);
  const known = [aliasBefore, await versionOf(ports.catalog, { component: component.name, alias: into })];
  return known.find((one): one is string => one !== null && one !== version && there.includes(one));
}

async function makeStep(ports: ReleasePorts, looked: LookedAt, step: ReleaseAct, now: Date): Promise<void> {
  const { release } = looked;
  const edit = releaseEdit(looked.component.name, release, step);
  const preview = await previewChange(ports.table, edit, now, ports.events);
  if (preview.rows.length === 0) return;
  const { stopped } = await commitAsShown(
    // There is another look soon.
    { ...ports, pause: async () => {} },
    {
      ...madeBy(looked),
      edit,
      steps: [edit],
      expectsRevision: false,
      strict: false,
      at: now,
      force: release.force ?? false,
    },
    preview,
    () => {},
  );
  if (stopped !== undefined) throw stopped.error;
}

async function act(ports: ReleasePorts, looked: LookedAt, act: ReleaseAct, now: Date): Promise<void> {
  const edit = releaseEdit(looked.component.name, looked.release, act);
  await changeRoutes(ports.table, { ...madeBy(looked), edit, changeId: ports.newId(), at: now });
}

async function move(
  ports: ReleasePorts,
  looked: LookedAt,
  { alias, from, to }: Omit<AliasMove, "component">,
  kind: MoveKind,
  now: Date,
): Promise<void> {
  const asked = { component: looked.component.name, alias, from, to };
  const force = kind === "rollback" || (looked.release.force ?? false);
  // Of two that look at once, one moves it.
  const expectedRevision = looked.revision;
  await moveAlias(ports, { ...madeBy(looked), move: asked, kind, at: now, force, expectedRevision });
}

/** Every change of a release says whose it is, and why it was begun, or what has stopped it. */
function madeBy({ component, release, next }: LookedAt) {
  const { steps, made, ending } = release;
  const step = steps[made];
  const what = next.do === "step" && step !== undefined ? `step ${made + 1}, ${stepText(step)}` : next.do;
  const why = next.do === "take back" || next.do === "pause" ? next.why : next.do === "end" ? ending?.why : undefined;
  const command = `release ${release.id} of ${component.name}: ${what}`;
  return { who: releaseActor(release), why: why ?? release.why, command };
}

/** Its rows as of one revision, its aliases and what the guard says. */
async function seenRelease(
  { table, catalog, judge }: Pick<ReleasePorts, "table" | "catalog" | "judge">,
  { name }: Component,
  { steps }: Release,
  now: Date,
): Promise<{ is: SeenRelease & LookedAtRows } | undefined> {
  const planKeys = plansOf({ steps }).map((plan): SubjectKey => `plan#${plan}`);
  const keys: RowKey[] = [`component#${name}`, "settings#guardrails", ...planKeys];
  const { revision, rows } = await table.rows(keys);
  const component = readable(rows.get(`component#${name}`));
  const release = component?.release;
  if (component === undefined || !isUnderWay(release)) return undefined;
  const aliases = await catalog.aliases(name);
  const behind = (alias: string) => aliases.find((one) => one.alias === alias)?.version ?? null;
  const disturbed = disturbedStep(release, { component, planRow: (plan) => readable(rows.get(`plan#${plan}`)) });
  const exists = (await catalog.versions(name)).some(({ version }) => version === release.version);
  const isBegun = release.made > 0 || behind(release.alias) === release.version;
  const verdict = isBegun ? await judge(component, release, now) : { says: "none" as const, told: "not begun" };
  return {
    is: {
      component,
      release,
      revision,
      guardrails: guardrailsIn(rows.get("settings#guardrails")),
      aliasVersion: behind(release.alias),
      intoVersion: behind(release.into),
      ...(disturbed !== undefined && {
        disturbed: await disturbedBy(table, revision, component.name, release, disturbed),
      }),
      exists,
      verdict,
    },
  };
}

type LookedAtRows = Pick<LookedAt, "component" | "release" | "revision">;
