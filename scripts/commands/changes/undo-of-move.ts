import type { AliasMove, MoveKind } from "../../../shared/domain/routing/alias-move.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import { undoOfMove } from "../../../shared/domain/routing/undo-edit.ts";
import type { MovePreview } from "../../../shared/flows/change/preview-move.ts";
import { note } from "../terminal/output.ts";
import { commandLine } from "../terminal/shell-quote.ts";

/**
 * The command that moves the alias back, with `--force` where it would be refused without; null for an alias that pointed
 * nowhere.
 */
export function commandBack(
  move: AliasMove,
  kind: MoveKind,
  revision: Revision,
  preview?: Pick<MovePreview, "guardrails" | "impacts">,
): string | null {
  const undo = undoOfMove(move, kind, preview);
  if (undo === undefined) return null;
  const { component, alias, to } = undo;
  const reason = ["--reason", `undo of revision ${revision}`];
  if (undo.kind === "rollback") return commandLine("rollback", component, alias, "--to", to, ...reason);
  return commandLine("alias", "set", component, alias, to, ...reason, ...(undo.refused ? ["--force"] : []));
}

/** The undo, for a person. */
export function noteUndo(move: AliasMove, undo: string | null): void {
  note(
    undo === null ? `no undo: ${move.alias} pointed nowhere before, and can only be moved elsewhere` : `undo: ${undo}`,
  );
}
