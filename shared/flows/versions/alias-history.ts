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
  const standing = (isWhole: boolean): AliasStanding | undefined => {
    const promoted = promotedVersions(traceMoves(moves), isWhole, version);
    const [before, current] = [promoted?.at(-2), promoted?.at(-1)];
    return current && { ...current, ...(before && { previous: before.version }) };
  };
  for await (const page of backwards(log, head, 1)) {
    const found = page.filter((entry) => isMove(entry) && isSameAlias(entry.move, { component, alias }));
    moves = [...found.reverse(), ...moves];
    const told = standing(false);
    if (told !== undefined) return told;
  }
  return standing(true) ?? { version };
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
