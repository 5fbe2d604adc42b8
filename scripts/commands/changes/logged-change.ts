import type { ChangeLogEntry } from "../../../shared/domain/routing/routing-change.ts";
import { undoByRevert } from "./revert.ts";
import { commandBack } from "./undo-of-move.ts";

/** The command that takes a change back; null where there is nothing to put back. */
export function undoOfChange({ revision, rows, move }: ChangeLogEntry): string | null {
  if (move?.stage === "settled") return commandBack(move, move.kind, revision);
  return rows.length === 0 ? null : undoByRevert([revision]);
}

/** A change as JSON. The names are a promise; what isn't known is null. */
export function changeJson(change: ChangeLogEntry) {
  const { revision, at, who, why, command, forced, changeId, rows, move, unreadable } = change;
  return {
    revision,
    at: at.toISOString(),
    who,
    why,
    command,
    forced: forced ?? false,
    change_id: changeId,
    unreadable: unreadable ?? null,
    rows_changed: rows.length,
    rows,
    move: move ?? null,
    undo: undoOfChange(change),
  };
}
