import type { AliasMove, MoveKind } from "../../domain/routing/alias-move.ts";
import { revisionRanges } from "../../domain/routing/revision-ranges.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import { undoOfMove } from "../../domain/routing/undo-edit.ts";
import type { MovePreview } from "../../flows/change/preview-move.ts";
import type { CommandWords } from "./shell-quote.ts";

/** The undo of changes that no other command says the opposite of. */
export function undoByRevert(revisions: readonly Revision[]): CommandWords {
  return ["revert", ...revisionRanges(revisions), ...reasonOfUndo(revisions)];
}

/** Why something is taken back, where nobody says more. */
export function reasonOfUndo(revisions: readonly Revision[]): [string, string] {
  return ["--reason", `undo of revision ${revisionRanges(revisions).join(", ")}`];
}

/**
 * The command that moves the alias back, with `--force` where it would be refused without; undefined for an alias that
 * pointed nowhere.
 */
export function commandBack(
  move: AliasMove,
  kind: MoveKind,
  revision: Revision,
  preview?: Pick<MovePreview, "guardrails" | "impacts">,
): CommandWords | undefined {
  const undo = undoOfMove(move, kind, preview);
  if (undo === undefined) return undefined;
  const { component, alias, to } = undo;
  const reason = reasonOfUndo([revision]);
  if (undo.kind === "rollback") return ["rollback", component, alias, "--to", to, ...reason];
  return ["alias", "set", component, alias, to, ...reason, ...(undo.refused ? ["--force"] : [])];
}
