import type { AliasMove, MoveKind } from "../../domain/routing/alias-move.ts";
import { wasThere } from "../../domain/routing/promoted-versions.ts";
import type { ChangeLogEntry } from "../../domain/routing/routing-change.ts";
import { isMove, isSameAlias, traceMoves } from "../../domain/routing/trace-moves.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { backwards } from "./change-log.ts";

type ChangeLog = Pick<RoutingTableReader, "head" | "changesAfter">;

/**
 * Whether the change log shows that the version a move goes to was behind that alias before. Reads backwards until it
 * does; the whole log for a version that it doesn't show.
 */
export async function knownVersion(log: ChangeLog, move: AliasMove): Promise<ReturnType<typeof wasThere>> {
  let moves: ChangeLogEntry[] = [];
  let isReadable = true;
  for await (const page of backwards(log, await log.head(), 1)) {
    isReadable &&= page.every((entry) => entry.unreadable === undefined);
    const found = page.filter((entry) => isMove(entry) && isSameAlias(entry.move, move));
    if (found.length === 0) continue;
    moves = [...found.reverse(), ...moves];
    if (wasThere(traceMoves(moves), move) === "shown") return "shown";
  }
  return isReadable ? wasThere(traceMoves(moves), move) : "untold";
}

/** Those of the versions that a rollback of the alias may name: each was there, or the log can't tell. Reads all of it. */
export async function versionsOnceThere(
  log: ChangeLog,
  { component, alias, from }: Pick<AliasMove, "component" | "alias" | "from">,
  versions: readonly string[],
): Promise<string[]> {
  let moves: ChangeLogEntry[] = [];
  let isReadable = true;
  for await (const page of backwards(log, await log.head(), 1)) {
    isReadable &&= page.every((entry) => entry.unreadable === undefined);
    const found = page.filter((entry) => isMove(entry) && isSameAlias(entry.move, { component, alias }));
    moves = [...found.reverse(), ...moves];
  }
  const traced = traceMoves(moves);
  const mayBeNamed = (to: string) => !isReadable || wasThere(traced, { component, alias, from, to }) !== "never";
  return versions.filter((to) => to !== from && mayBeNamed(to));
}

/**
 * What a freeze and the guardrails take a move for: a rollback to a version that the log doesn't show on that alias
 * takes nothing back, and is no better than any other move.
 */
export async function judgedKind(log: ChangeLog, move: AliasMove, kind: MoveKind): Promise<MoveKind> {
  if (kind !== "rollback") return kind;
  return (await knownVersion(log, move)) === "shown" ? kind : "set";
}
