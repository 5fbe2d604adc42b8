import type { Revision } from "../../domain/routing/routing-change.ts";
import { isMove, isSameAlias, type MoveEntry } from "../../domain/routing/trace-moves.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { backwards } from "../change/change-log.ts";
import { versionOf } from "./move-alias.ts";

const CHANGES_PER_PAGE = 200;

/**
 * The version that an alias pointed at right after a revision, null where it pointed nowhere. While a move was under way
 * that is the one it came from. Whoever moves an alias without Turnout isn't in the change log, and not known here.
 *
 * Cost: reads the log back to the alias's last move before; for one that had never been moved all of it, and on to its
 * first move since.
 */
export async function versionAt(
  log: Pick<RoutingTableReader, "changesAfter">,
  catalog: Pick<VersionCatalog, "aliases">,
  wanted: { component: string; alias: string },
  revision: Revision,
): Promise<string | null> {
  const movesIn = (page: Awaited<ReturnType<typeof log.changesAfter>>): MoveEntry[] =>
    page.filter(isMove).filter(({ move }) => isSameAlias(move, wanted));
  for await (const page of backwards({ ...log, head: async () => revision }, revision, 1)) {
    // One that was given up says nothing: another may have been made since it was intended.
    const last = movesIn(page).find(({ move }) => move.stage !== "abandoned");
    if (last !== undefined) return last.move.stage === "settled" ? last.move.to : last.move.from;
  }
  for (let after = revision; ; ) {
    const page = await log.changesAfter(after, CHANGES_PER_PAGE);
    const [next] = movesIn(page);
    if (next !== undefined) return next.move.from;
    if (page.length === 0) return versionOf(catalog, wanted);
    after += page.length;
  }
}
