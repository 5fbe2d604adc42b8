import { isAtRest } from "../../../shared/domain/deliveries/delivery.ts";
import type { Replay } from "../../../shared/domain/replays/replay.ts";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { promotedVersions } from "../../../shared/domain/routing/promoted-versions.ts";
import { isMove, isSameAlias, type MoveEntry, traceMoves } from "../../../shared/domain/routing/trace-moves.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import { readHistory } from "../../../shared/flows/change/change-log.ts";
import { listEvents } from "../../../shared/flows/explain/list-events.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { AliasTarget, Version } from "../../../shared/versions/version-catalog.ts";

/** A version, and who would miss it. */
export type KeptVersion = Version & { keptBy: string[] };

export type KeepRules = {
  /** How many of those that were promoted to an alias before stay for rollbacks. */
  promoted: number;
  /** Where open deliveries are looked for. */
  window: TimeWindow;
};

/** Every version of a component, oldest first, with what keeps it. */
export async function keptVersions(
  state: Installation,
  { name: component }: Component,
  { promoted, window }: KeepRules,
  now: Date,
): Promise<KeptVersion[]> {
  const { routingTable, catalog, replays } = state;
  const [versions, aliases, moves, active, open] = await Promise.all([
    catalog.versions(component),
    catalog.aliases(component),
    movesOf(routingTable, component),
    replays.active(),
    openDeliveries(state, component, window, now),
  ]);
  const newest = versions.at(-1)?.version;
  return versions.map((version) => ({
    ...version,
    keptBy: [
      ...pointingAt(version.version, aliases),
      ...(version.version === newest ? ["newest"] : []),
      ...movingBetween(version.version, moves),
      ...rollbacksTo(version.version, aliases, moves, promoted),
      ...(open.has(version.version) ? [plural(open.get(version.version) ?? 0, "open delivery")] : []),
      ...replaysOf(version.version, component, active),
    ],
  }));
}

function pointingAt(version: string, aliases: readonly AliasTarget[]): string[] {
  return aliases
    .filter((target) => target.version === version || version in (target.alsoTo ?? {}))
    .map(({ alias }) => alias);
}

/** A move that has no end yet may still be made, or taken back. */
function movingBetween(version: string, moves: readonly MoveEntry[]): string[] {
  return traceMoves(moves)
    .filter(({ intended: { move }, end }) => end === undefined && (move.to === version || move.from === version))
    .map(({ intended: { move } }) => `a move of ${move.alias}`);
}

function rollbacksTo(
  version: string,
  aliases: readonly AliasTarget[],
  moves: readonly MoveEntry[],
  keep: number,
): string[] {
  return aliases.flatMap((target) => {
    const own = moves.filter(({ move }) => isSameAlias(move, { component: move.component, alias: target.alias }));
    const before = (promotedVersions(traceMoves(own), true, target.version) ?? []).slice(0, -1);
    const kept = keep === 0 ? [] : before.slice(-keep);
    return kept.some((promotion) => promotion.version === version) ? [`rollback of ${target.alias}`] : [];
  });
}

function replaysOf(version: string, component: string, active: readonly Replay[]): string[] {
  return active
    .filter(({ filter, avoidVersion }) => {
      const isMeant = filter.component === undefined || filter.component === component;
      return isMeant && (filter.executedVersion === version || avoidVersion === version);
    })
    .map(({ name }) => `replay ${name}`);
}

async function movesOf(table: Installation["routingTable"], component: string): Promise<MoveEntry[]> {
  const moves: MoveEntry[] = [];
  for await (const page of readHistory(table, {})) {
    moves.push(...page.filter((entry) => isMove(entry)).filter(({ move }) => move.component === component));
  }
  return moves;
}

/** How many deliveries of the window that aren't at rest have run each version. */
async function openDeliveries(
  { events }: Installation,
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
