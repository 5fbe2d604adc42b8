import type { AliasMove, MoveKind } from "./alias-move.ts";
import { type Guardrails, type Impact, lacksEnd, objectionsToMove } from "./guardrails.ts";
import type { Pin } from "./pin.ts";

/** What takes back a change of a subject's pin: the pin that it had, none, or the rows as they were. */
export type UndoOfPin = { undo: "pin"; pin: Pin } | { undo: "unpin" } | { undo: "revert" };

/**
 * @param before the pin that the subject had; undefined: none
 * @param usable the aliases that a pin of the component may name now
 */
export function undoOfPin(
  before: Pin | undefined,
  usable: readonly string[],
  guardrails: Guardrails,
  now: Date,
): UndoOfPin {
  if (before === undefined) return { undo: "unpin" };
  const expired = before.until !== undefined && before.until <= now.toISOString();
  // It would be refused now: it has run out, its alias asks for an end, or has been retired since.
  const unusable = [before.alias, before.successor].some((alias) => alias !== undefined && !usable.includes(alias));
  return expired || unusable || lacksEnd(guardrails, before) ? { undo: "revert" } : { undo: "pin", pin: before };
}

/** The move that takes another one back; `refused`: a freeze or a guardrail stands against it. */
export type UndoOfMove = { kind: "rollback" | "set"; component: string; alias: string; to: string; refused: boolean };

/**
 * What takes back a rollback goes forward again, which a freeze or a guardrail may stand against.
 * @param preview whom the move was found to give another version
 * @returns undefined for an alias that pointed nowhere
 */
export function undoOfMove(
  { component, alias, from: to }: AliasMove,
  kind: MoveKind,
  preview?: { guardrails: Guardrails; impacts: readonly Impact[] },
): UndoOfMove | undefined {
  if (to === null) return undefined;
  if (kind !== "rollback") return { kind: "rollback", component, alias, to, refused: false };
  const refused = preview !== undefined && objectionsToMove("set", preview.guardrails, preview.impacts).length > 0;
  return { kind: "set", component, alias, to, refused };
}
