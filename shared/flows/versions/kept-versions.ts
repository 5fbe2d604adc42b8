import { isAtRest } from "../../domain/deliveries/delivery.ts";
import { GuardrailHit } from "../../domain/errors.ts";
import type { Replay } from "../../domain/replays/replay.ts";
import { freezeObjection } from "../../domain/routing/guardrails.ts";
import { promotedVersions } from "../../domain/routing/promoted-versions.ts";
import { isUnderWay, type Release } from "../../domain/routing/release.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import { isMove, isSameAlias, type MoveEntry, traceMoves } from "../../domain/routing/trace-moves.ts";
import { isWanted } from "../../domain/text/any-of.ts";
import { plural } from "../../domain/text/plural.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import type { AliasedVersion, Version, VersionCatalog } from "../../versions/version-catalog.ts";
import { readHistory } from "../change/change-log.ts";
import { revisionConflict } from "../change/change-routes.ts";
import { standingGuardrails } from "../change/standing-guardrails.ts";
import { listEvents } from "../explain/list-events.ts";
import { LOST, lostRaces } from "../lost-races.ts";

/** Who would miss a version. */
export type Keeper =
  | { by: "newest" }
  | { by: "open deliveries"; count: number }
  | { by: "replay"; replay: string }
  /** It brings everybody to it, or goes back to it if it is taken back. */
  | { by: "release"; release: string }
  /** The alias points at it, a rollback of it may go there, or a move of it has no end yet. */
  | { by: "alias" | "rollback" | "move"; alias: string };

/** A version that nobody keeps may be deleted. */
export type KeptVersion = Version & { keptBy: Keeper[] };

export type KeptVersionsPorts = {
  routingTable: RoutingTable;
  catalog: Pick<VersionCatalog, "aliases" | "versions">;
  replays: Pick<ReplayStore, "active">;
  events: StoredEvents;
};

export type KeepRules = {
  /** How many of those that were promoted to an alias before stay for rollbacks. */
  promoted: number;
  /** Where open deliveries are looked for. */
  window: TimeWindow;
};

/** Every version of a component, oldest first, with what keeps it. */
export async function keptVersions(
  { routingTable, catalog, replays, events }: KeptVersionsPorts,
  component: string,
  { promoted, window }: KeepRules,
  now: Date,
): Promise<KeptVersion[]> {
  const [versions, release, aliases, moves, active, open] = await Promise.all([
    catalog.versions(component),
    releaseOf(routingTable, component),
    catalog.aliases(component),
    movesOf(routingTable, component),
    replays.active(),
    openDeliveries(events, component, window, now),
  ]);
  const newest = versions.at(-1)?.version;
  return versions.map((version) => ({
    ...version,
    keptBy: [
      ...pointingAt(version.version, aliases),
      ...(version.version === newest ? [{ by: "newest" } as const] : []),
      ...movingBetween(version.version, moves),
      ...rollbacksTo(version.version, aliases, moves, promoted),
      ...openOn(version.version, open),
      ...replaysOf(version.version, component, active),
      ...releasing(version.version, release),
    ],
  }));
}

function pointingAt(version: string, aliases: readonly AliasedVersion[]): Keeper[] {
  return aliases
    .filter((aliased) => aliased.version === version || version in (aliased.alsoTo ?? {}))
    .map(({ alias }) => ({ by: "alias", alias }));
}

/** A move that has no end yet may still be made, or taken back. */
function movingBetween(version: string, moves: readonly MoveEntry[]): Keeper[] {
  return traceMoves(moves)
    .filter(({ intended: { move }, end }) => end === undefined && (move.to === version || move.from === version))
    .map(({ intended: { move } }) => ({ by: "move", alias: move.alias }));
}

function rollbacksTo(
  version: string,
  aliases: readonly AliasedVersion[],
  moves: readonly MoveEntry[],
  keep: number,
): Keeper[] {
  return aliases.flatMap((aliased): Keeper[] => {
    const own = moves.filter(({ move }) => isSameAlias(move, { component: move.component, alias: aliased.alias }));
    const before = (promotedVersions(traceMoves(own), true, aliased.version) ?? []).slice(0, -1);
    const kept = keep === 0 ? [] : before.slice(-keep);
    return kept.some((promotion) => promotion.version === version) ? [{ by: "rollback", alias: aliased.alias }] : [];
  });
}

function openOn(version: string, open: ReadonlyMap<string, number>): Keeper[] {
  const count = open.get(version);
  return count === undefined ? [] : [{ by: "open deliveries", count }];
}

function replaysOf(version: string, component: string, active: readonly Replay[]): Keeper[] {
  return active
    .filter(({ filter, avoidVersion }) => {
      const { executedVersion } = filter;
      const isAskedFor = executedVersion !== undefined && isWanted(executedVersion, version);
      return isWanted(filter.component, component) && (isAskedFor || avoidVersion === version);
    })
    .map(({ name }) => ({ by: "replay", replay: name }));
}

function releasing(version: string, release: Release | undefined): Keeper[] {
  if (!isUnderWay(release)) return [];
  const { id, version: next, aliasBefore, intoBefore } = release;
  return [next, aliasBefore, intoBefore].includes(version) ? [{ by: "release", release: id }] : [];
}

async function releaseOf(table: RoutingTable, component: string): Promise<Release | undefined> {
  const { components } = await table.components();
  return components.find(({ name }) => name === component)?.release;
}

async function movesOf(table: RoutingTable, component: string): Promise<MoveEntry[]> {
  const moves: MoveEntry[] = [];
  for await (const page of readHistory(table, {})) {
    moves.push(...page.filter((entry) => isMove(entry)).filter(({ move }) => move.component === component));
  }
  return moves;
}

/** How many deliveries of the window that aren't at rest have run each version. */
async function openDeliveries(
  events: KeptVersionsPorts["events"],
  component: string,
  window: TimeWindow,
  now: Date,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const outcomes of listEvents({ events }, window, { component }, now)) {
    for (const { entry } of outcomes) {
      if (entry === undefined || isAtRest(entry.status)) continue;
      const ran = [entry.executedVersion, ...entry.attempts.map(({ version }) => version)];
      for (const version of new Set(ran))
        if (version !== undefined) counts.set(version, (counts.get(version) ?? 0) + 1);
    }
  }
  return counts;
}

/** Who has versions deleted, why, with which command and when; and the revision it was planned on, if that matters. */
export type CollectRequest = {
  component: string;
  /** All of its versions, with what keeps each. */
  versions: readonly KeptVersion[];
  who: string;
  why: string;
  command: string;
  at: Date;
  /** Goes past a freeze. */
  force: boolean;
  expectedRevision?: Revision;
};

/** Those that nobody keeps. */
export function unneeded(versions: readonly KeptVersion[]): KeptVersion[] {
  return versions.filter(({ keptBy }) => keptBy.length === 0);
}

/** What a collection does, for the change log and for whoever is asked. */
export function collectionText({ component, versions }: Pick<CollectRequest, "component" | "versions">): string {
  const gone = unneeded(versions);
  const named = gone.map(({ version }) => version).join(", ");
  return `delete ${plural(gone.length, "version")} of ${component}, of ${versions.length}: ${named}`;
}

/**
 * Deletes for good the versions that nobody keeps; not one that an alias has been pointed at since.
 * @returns the change that tells of it, and what was deleted
 * @throws RevisionConflict; GuardrailHit in a freeze; TurnoutError `conflict` when too many other changes come first
 */
export async function collectVersions(
  { routingTable, catalog, newId }: CollectPorts,
  request: CollectRequest,
): Promise<{ revision: Revision; deleted: string[] }> {
  const revision = await logCollection(routingTable, request, newId());
  const deleted: string[] = [];
  for (const { version } of unneeded(request.versions)) {
    if (await catalog.removeVersion(request.component, version)) deleted.push(version);
  }
  return { revision, deleted };
}

export type CollectPorts = {
  routingTable: RoutingTable;
  catalog: Pick<VersionCatalog, "removeVersion">;
  newId: () => string;
};

/** Before anything is deleted: the log may tell of what then wasn't, but nothing is deleted without its word. */
async function logCollection(table: RoutingTable, request: CollectRequest, changeId: string): Promise<Revision> {
  const { component: _, versions: __, force, expectedRevision, ...meta } = request;
  const change = { ...meta, changeId, why: `${meta.why} (${collectionText(request)})`, rows: [] };
  return lostRaces(
    async () => {
      const { revision: head, guardrails } = await standingGuardrails(table);
      if (expectedRevision !== undefined && expectedRevision !== head) {
        throw await revisionConflict(table, expectedRevision, head);
      }
      if (guardrails.freeze !== undefined && !force) throw new GuardrailHit([freezeObjection(guardrails.freeze)]);
      const result = await table.commit(change, head);
      return result.committed ? result.revision : LOST;
    },
    { left: "Nothing was deleted. Try again when it is quieter." },
  );
}
