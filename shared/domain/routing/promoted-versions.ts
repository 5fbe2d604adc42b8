import type { AliasMove, LoggedMove } from "./alias-move.ts";
import type { Revision } from "./routing-change.ts";
import { isSettled, type TracedMove } from "./trace-moves.ts";

/** A version that was promoted, and by which intended change; left out when the alias came there in another way. */
export type Promotion = { version: string; since?: Date; revision?: Revision };

/**
 * What is promoted to an alias, each on top of what it took the place of: a rollback takes off the top down to the
 * version that it goes to, so that the next one goes further back.
 *
 * @param moves of one alias, the oldest first
 * @param isWhole whether there were none before these
 * @param version what the alias points at now
 * @returns the promotions from the last one known down, the newest last; undefined when earlier moves are needed to
 *   tell the last two
 */
export function promotedVersions(
  moves: readonly TracedMove[],
  isWhole: boolean,
  version: string,
): Promotion[] | undefined {
  let promoted: Promotion[] = [];
  let reachesDown = isWhole;
  let last: LoggedMove | undefined;
  for (const { intended } of movesInEffect(moves, version)) {
    const { kind, from, to } = intended.move;
    // Two have made the same move at the same time.
    const isTwin = last?.kind === kind && last.from === from && last.to === to;
    last = intended.move;
    if (isTwin) continue;
    if (from === null) [promoted, reachesDown] = [[], true];
    else if (promoted.at(-1)?.version !== from) promoted.push({ version: from });
    const promotion = { version: to, since: intended.at, revision: intended.revision };
    if (kind !== "rollback") promoted.push(promotion);
    else {
      const below = promoted.slice(0, -1);
      const index = below.findLastIndex((earlier) => earlier.version === to);
      if (index < 0 && !reachesDown) return undefined;
      // To a version that was never promoted here it goes too, and the one it leaves is taken off all the same.
      promoted = [...(index < 0 ? below : below.slice(0, index)), promotion];
    }
  }
  if (promoted.at(-1)?.version !== version) promoted.push({ version });
  return promoted.length > 1 || reachesDown ? promoted : undefined;
}

/**
 * Whether these moves of one alias show that the version a move goes to was there before. What the first of them left
 * was there too; nothing was where that one made the alias.
 */
export function wasThere(moves: readonly TracedMove[], { from, to }: AliasMove): "shown" | "never" | "untold" {
  const made = movesInEffect(moves, from);
  if (made.some(({ intended: { move } }) => move.from === to || move.to === to)) return "shown";
  return made[0]?.intended.move.from === null ? "never" : "untold";
}

/** Those that ended well, and one that hasn't ended yet but is where the alias points. */
function movesInEffect(moves: readonly TracedMove[], version: string | null): TracedMove[] {
  const lastSettled = moves.findLastIndex(isSettled);
  const unnoted = moves.findLastIndex(({ intended, end }) => end === undefined && intended.move.to === version);
  return moves.filter((move, index) => isSettled(move) || (index === unnoted && index > lastSettled));
}
