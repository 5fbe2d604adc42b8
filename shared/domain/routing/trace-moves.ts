import type { LoggedMove } from "./alias-move.ts";
import type { ChangeLogEntry } from "./routing-change.ts";

/** The entry of a move. */
export type MoveEntry = ChangeLogEntry & { move: LoggedMove };

/** A move from the entry that intended it to the one that ended it, where one has. */
export type TracedMove = { intended: MoveEntry; end?: MoveEntry };

/** The moves that these entries of the change log intend, in its order. The log has to be whole from the first on. */
export function traceMoves(log: readonly ChangeLogEntry[]): TracedMove[] {
  const traced = new Map<number | undefined, TracedMove>();
  for (const entry of log) {
    if (!isMove(entry)) continue;
    if (entry.move.stage === "intended") traced.set(entry.revision, { intended: entry });
    else {
      const move = traced.get(entry.move.intent);
      if (move !== undefined) move.end = entry;
    }
  }
  return [...traced.values()];
}

export function isMove(entry: ChangeLogEntry): entry is MoveEntry {
  return entry.move !== undefined;
}

/** Whether it has ended with the alias at its version. */
export function isSettled({ end }: TracedMove): boolean {
  return end?.move.stage === "settled";
}

export function isSameAlias(a: LoggedMove, b: Pick<LoggedMove, "component" | "alias">): boolean {
  return a.component === b.component && a.alias === b.alias;
}
