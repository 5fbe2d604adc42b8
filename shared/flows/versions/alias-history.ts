import { promotedVersions } from "../../domain/routing/promoted-versions.ts";
import type { ChangeLogEntry, Revision } from "../../domain/routing/routing-change.ts";
import { isMove, isSameAlias, traceMoves } from "../../domain/routing/trace-moves.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { backwards } from "../change/change-log.ts";
import { LOST, lostRaces } from "../lost-races.ts";
import { versionOf } from "./move-alias.ts";

export type AliasStanding = {
  version: string | null;
  /** When the change was made that moved it there, and which; undefined when the log doesn't say. */
  since?: Date;
  /** The revision at which that was intended. */
  revision?: Revision;
  /** What was promoted there before: where a rollback goes. */
  previous?: string;
};

type ChangeLog = Pick<RoutingTableReader, "head" | "changesAfter">;

/**
 * What an alias points at, and what was promoted there before. Reads the change log backwards, a page at a time, until
 * it can tell; the whole log for an alias that has been moved but once.
 */
export async function aliasHistory(
  log: ChangeLog,
  catalog: Pick<VersionCatalog, "aliases">,
  component: string,
  alias: string,
): Promise<AliasStanding> {
  const { version, head } = await versionAndHead(log, catalog, component, alias);
  if (version === null) return { version };
  let moves: ChangeLogEntry[] = [];
  for await (const page of backwards(log, head, 1)) {
    const found = page.filter((entry) => isMove(entry) && isSameAlias(entry.move, { component, alias }));
    moves = [...found.reverse(), ...moves];
    const told = standingBy(moves, false, version);
    if (told !== undefined) return told;
  }
  return standingBy(moves, true, version) ?? { version };
}

/** @returns undefined where earlier moves are needed to tell */
function standingBy(moves: readonly ChangeLogEntry[], isWhole: boolean, version: string): AliasStanding | undefined {
  const promoted = promotedVersions(traceMoves(moves), isWhole, version);
  const [before, current] = [promoted?.at(-2), promoted?.at(-1)];
  return current && { ...current, ...(before && { previous: before.version }) };
}

/** The moves among the newest changes, by component and alias, the oldest first. */
export type RecentMoves = { isWhole: boolean; moves: ReadonlyMap<string, readonly ChangeLogEntry[]> };

/** Reads no further back than through so many changes. @param head the newest of them */
export async function recentMoves(log: ChangeLog, head: Revision, most: number): Promise<RecentMoves> {
  const first = Math.max(1, head - most + 1);
  const newest: ChangeLogEntry[] = [];
  for await (const page of backwards(log, head, first)) newest.push(...page);
  const moves = Map.groupBy(newest.reverse().filter(isMove), ({ move }) => nameOf(move.component, move.alias));
  return { isWhole: first === 1, moves };
}

/** What `aliasHistory` says, as far as recent moves tell. @returns undefined where they don't */
export function recentStanding(
  { isWhole, moves }: RecentMoves,
  component: string,
  alias: string,
  version: string | null,
): AliasStanding | undefined {
  if (version === null) return { version };
  const made = moves.get(nameOf(component, alias)) ?? [];
  return standingBy(made, false, version) ?? (isWhole ? standingBy(made, true, version) : undefined);
}

function nameOf(component: string, alias: string): string {
  return `${component}#${alias}`;
}

export function nothingBehind(component: string, alias: string): string {
  return `${alias} of ${component} points at no version, so there is nothing to roll back.`;
}

export function nothingBefore(component: string, alias: string, version: string): string {
  return `Nothing to roll back to: the change log knows of no version that was promoted to ${alias} of ${component} before ${version}.`;
}

export function sinceUnknown(component: string, alias: string, version: string): string {
  return `The change log doesn't say since when ${alias} of ${component} has been at ${version}.`;
}

/** As of one moment: what has moved the alias by then stands in the log, at least as intended. */
async function versionAndHead(
  log: ChangeLog,
  catalog: Pick<VersionCatalog, "aliases">,
  component: string,
  alias: string,
): Promise<{ version: string | null; head: Revision }> {
  let head = await log.head();
  return lostRaces(
    async () => {
      const version = await versionOf(catalog, { component, alias });
      const after = await log.head();
      if (after === head) return { version, head };
      head = after;
      return LOST;
    },
    { left: `They came while ${alias} of ${component} was looked at. Try again when it is quieter.` },
  );
}
