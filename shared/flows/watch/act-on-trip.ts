import { TurnoutError } from "../../domain/errors.ts";
import type { Trip, Watch } from "../../domain/health/watch.ts";
import { DEFAULT_CONCURRENCY, noCounts } from "../../domain/replays/replay.ts";
import type { AliasMove } from "../../domain/routing/alias-move.ts";
import type { Component } from "../../domain/routing/component.ts";
import { freezeText } from "../../domain/routing/guardrails.ts";
import { isUnderWay, releaseActor } from "../../domain/routing/release.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import { isMove, isSameAlias, traceMoves } from "../../domain/routing/trace-moves.ts";
import type { AliasedVersion } from "../../versions/version-catalog.ts";
import { changeRoutes } from "../change/change-routes.ts";
import { standingGuardrails } from "../change/standing-guardrails.ts";
import { startReplay } from "../replay/start-replay.ts";
import { aliasHistory } from "../versions/alias-history.ts";
import { moveAlias, versionOf } from "../versions/move-alias.ts";
import { undoRequest } from "../versions/undo-version.ts";
import type { GuardPorts } from "./guard-ports.ts";

/** Changes that are read at once. */
const CHANGES_PER_PAGE = 200;

/** What stands of a trip: how it goes on from here, and what it waits for if it can't. */
type Step = { trip: Trip; waits?: string };

/** Stores how a trip stands before anything more is done. @returns undefined when somebody else has taken it over */
type Store = (step: Step) => Promise<Watch | undefined>;

/** Who a guard is in the change log. */
function guardOf({ component }: Pick<Watch, "component">): string {
  return `guard/${component}`;
}

/**
 * Does what a guard does about a version that is worse, from wherever it was left: marks it, takes the alias back, has
 * what it left unresolved delivered again. Each step is stored before it is made, and can be made twice.
 */
export async function actOnTrip(
  ports: GuardPorts,
  component: Component,
  tripped: Watch & { trip: Trip },
  targets: readonly AliasedVersion[],
  store: Store,
): Promise<void> {
  const { trip } = tripped;
  if (trip.stage === "found" && !isMarked(component, tripped)) await markBad(ports, tripped);
  const isTold = trip.mode === "watch" || trip.mode === "hold";
  if (isTold) return void (await store(ended(trip, leftTo(component, tripped))));
  const begun = trip.stage === "acting" ? tripped : await begin(ports, component, tripped, targets, store);
  const acting = begun?.trip;
  if (begun === undefined || acting?.to === undefined) return;
  const moved = await takeBack(ports, { ...begun, trip: acting }, acting.to);
  if (moved === "waits")
    return void (await store({ trip: acting, waits: "another change of the routing is under way" }));
  const back = `${begun.alias} went back to version ${acting.to}`;
  if (moved === "not ours") return void (await store(ended(acting, `somebody has moved ${begun.alias} already`)));
  if (acting.replay === undefined) return void (await store(ended(acting, back)));
  await replayUndone(ports, begun, acting, acting.replay);
  await store(ended(acting, `${back}, and replay ${acting.replay} delivers what it left`));
}

/** Who goes on from what the guard only says. */
function leftTo({ guards, release }: Component, { alias }: Watch): string {
  const isOfRelease = isUnderWay(release) && guards?.[alias]?.who === releaseActor(release);
  if (!isOfRelease || release.guard === "watch") return "a person decides: nothing was moved";
  return `left to release ${release.id}, whose guard is ${release.guard}`;
}

function ended(trip: Trip, done: string): Step {
  return { trip: { ...trip, stage: "ended", done } };
}

/** Since it came there: by a watch that was lost. */
function isMarked({ badVersions = [] }: Component, { alias, version, since }: Watch): boolean {
  return badVersions.some((bad) => bad.version === version && bad.alias === alias && bad.at >= since);
}

async function markBad(
  { routingTable, newId, now }: GuardPorts,
  { component, alias, version, trip }: Watch & { trip: Trip },
) {
  const bad = { version, alias, why: trip.why, at: trip.at };
  await changeRoutes(routingTable, {
    edit: { kind: "change component", component, change: { set: "bad version", bad } },
    changeId: newId(),
    who: guardOf({ component }),
    why: trip.why,
    command: commandOf(trip, alias),
    at: now(),
  });
}

/** Decides where the alias goes, and stores it. Undefined where it can't be done now. */
async function begin(
  ports: GuardPorts,
  component: Component,
  { alias, version, trip }: Watch & { trip: Trip },
  targets: readonly AliasedVersion[],
  store: Store,
): Promise<Watch | undefined> {
  const { routingTable, catalog, newId } = ports;
  const { name, allStable } = component;
  const { revision, guardrails } = await standingGuardrails(routingTable);
  const { freeze } = guardrails;
  const stands =
    freeze === undefined ? allStable && `everything goes to ${component.fallbackAlias}` : freezeText(freeze);
  if (stands !== undefined) return void (await store({ trip, waits: stands }));
  if (targets.find((target) => target.alias === alias)?.version !== version) {
    return void (await store(ended(trip, `somebody has moved ${alias} already`)));
  }
  const { previous } = await aliasHistory(routingTable, catalog, name, alias);
  const stable = targets.find((target) => target.alias === component.fallbackAlias)?.version;
  const isBad = (one: string) => (component.badVersions ?? []).some((bad) => bad.version === one);
  const there = new Set((await catalog.versions(name)).map((published) => published.version));
  const to = [previous, stable].find((one) => one !== undefined && one !== version && there.has(one) && !isBad(one));
  if (to === undefined) {
    return void (await store({ trip, waits: `there is no other version to take ${alias} back to` }));
  }
  const replay = trip.mode === "undo" ? { replay: replayName(alias, version, newId()) } : {};
  return store({ trip: { ...trip, ...replay, stage: "acting", to, revision } });
}

/** At most 64 letters, digits and hyphens. */
function replayName(alias: string, version: string, id: string): string {
  const named = `guard-${alias}-${version}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-");
  return `${named.slice(0, 50)}-${id.replaceAll(/[^a-z0-9]/g, "").slice(0, 8)}`;
}

/** Takes the alias back, if that wasn't done yet. `not ours`: it goes elsewhere, and others have made it so. */
async function takeBack(
  ports: GuardPorts,
  { component, alias, version, trip }: Watch & { trip: Trip },
  to: string,
): Promise<"moved" | "waits" | "not ours"> {
  const { catalog, routingTable, newId, now } = ports;
  const made = await moveSince(ports, { component, alias, from: version, to }, trip.revision);
  if (made === "settled") return "moved";
  // Whoever finishes moves that a crash has left does so within a minute.
  if (made === "intended") return "waits";
  const behind = await versionOf(catalog, { component, alias });
  if (behind !== version) return "not ours";
  const { revision, guardrails } = await standingGuardrails(routingTable);
  if (guardrails.freeze !== undefined) return "waits";
  const move = { component, alias, from: version, to };
  const said = {
    who: guardOf({ component }),
    why: trip.why,
    command: commandOf(trip, alias),
    at: now(),
    // A freeze that has come since refuses it; guardrails don't, as it goes to where everybody was.
    force: true,
    expectedRevision: revision,
    ...(trip.replay !== undefined && { replay: trip.replay }),
  };
  try {
    await moveAlias({ ...ports, table: routingTable, newId }, { move, kind: "rollback", ...said });
    return "moved";
  } catch (error) {
    if (error instanceof TurnoutError && error.kind === "conflict") return "waits";
    throw error;
  }
}

/** What became of this guard's own move since a revision. */
async function moveSince(
  { routingTable }: Pick<GuardPorts, "routingTable">,
  move: AliasMove,
  revision: Revision,
): Promise<"settled" | "intended" | undefined> {
  const head = await routingTable.head();
  const entries = [];
  for (let after = revision; after < head; after += CHANGES_PER_PAGE) {
    entries.push(...(await routingTable.changesAfter(after, CHANGES_PER_PAGE)).filter(isMove));
  }
  const own = traceMoves(entries).filter(
    ({ intended }) =>
      intended.who === guardOf(move) && isSameAlias(intended.move, move) && intended.move.from === move.from,
  );
  if (own.some(({ end }) => end?.move.stage === "settled")) return "settled";
  return own.some(({ end }) => end === undefined) ? "intended" : undefined;
}

/** Starts the replay that belongs to the rollback, once. */
async function replayUndone(ports: GuardPorts, { component, alias, version, since }: Watch, trip: Trip, name: string) {
  const { replays, routingTable, now } = ports;
  if ((await replays.get(name)) === undefined) {
    const what = { component, alias, from: version, since: new Date(since), all: trip.all ?? false, filter: {} };
    const { request } = await undoRequest(routingTable, what, now());
    const who = guardOf({ component });
    const said = { who, why: trip.why, command: commandOf(trip, alias), requestedAt: now() };
    const paced = { concurrency: DEFAULT_CONCURRENCY, planned: noCounts() };
    await startReplay(replays, { ...request, name, ...said, ...paced });
  }
  await ports.callReplayer(name);
}

/** What stands in the log where others' commands do: nobody has typed it. */
function commandOf({ mode }: Trip, alias: string): string {
  return `guard of ${alias}, mode ${mode}`;
}
