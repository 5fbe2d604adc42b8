import type { AliasMove } from "../../../shared/domain/routing/alias-move.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { commandBack } from "../../../shared/installation/wording/undo-commands.ts";
import { note } from "../terminal/output.ts";

/** The command that moves the alias back as a line; null for an alias that pointed nowhere. */
export function commandLineBack(...about: Parameters<typeof commandBack>): string | null {
  const words = commandBack(...about);
  return words === undefined ? null : commandLine(...words);
}

/** The same, for a person. */
export function noteUndo(move: AliasMove, undo: string | null): void {
  note(
    undo === null ? `no undo: ${move.alias} pointed nowhere before, and can only be moved elsewhere` : `undo: ${undo}`,
  );
}
