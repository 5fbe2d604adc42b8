import type { ChangeLogEntry } from "../../../shared/domain/routing/routing-change.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { commandBack, undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";

/** The command that takes a change back; null where there is nothing to put back. */
export function undoOfChange({ revision, rows, move }: ChangeLogEntry): string | null {
  const back =
    move?.stage === "settled"
      ? commandBack(move, move.kind, revision)
      : rows.length === 0
        ? undefined
        : undoByRevert([revision]);
  return back === undefined ? null : commandLine(...back);
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
