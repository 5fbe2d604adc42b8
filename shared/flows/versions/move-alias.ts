import { GuardrailHit, TurnoutError } from "../../domain/errors.ts";
import type { AliasMove, LoggedMove, MoveKind } from "../../domain/routing/alias-move.ts";
import {
  countsMoves,
  type Freeze,
  type Guardrails,
  type Impact,
  objectionsToMove,
} from "../../domain/routing/guardrails.ts";
import type { Revision, RoutingChange } from "../../domain/routing/routing-change.ts";
import { isMove, type MoveEntry } from "../../domain/routing/trace-moves.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { revisionConflict } from "../change/change-routes.ts";
import { judgedKind } from "../change/known-version.ts";
import { type MoveReaders, previewMove } from "../change/preview-move.ts";
import { standingAgainst } from "../change/standing-guardrails.ts";
import { LOST, lostRaces } from "../lost-races.ts";

export type MovePorts = {
  table: RoutingTable;
  catalog: Pick<VersionCatalog, "aliases" | "moveAlias">;
  newId: () => string;
};

/** Who moves an alias, why, with which command and when; and the revision it was planned on, if that matters. */
export type MoveRequest = {
  move: AliasMove;
  kind: MoveKind;
  who: string;
  why: string;
  command: string;
  /** When it is made, not when it was asked for: an intended move is finished by others a minute later. */
  at: Date;
  /** Goes past a freeze and the guardrails. Logged as forced if there was anything to go past. */
  force?: boolean;
  /** Refuses the move when the head is another one. Default: whatever the head is. */
  expectedRevision?: Revision;
  /** Whom it was found to move, as of a revision; counted again where others have come since. */
  checked?: { revision: Revision; impacts: readonly Impact[] };
  /** The replay that belongs to it, for an undo. */
  replay?: string;
};

/** The revisions of a move's two entries. */
export type MadeMove = { intended: Revision; settled: Revision };

const CHANGES_PER_PAGE = 200;

/** What a catalog says when it has certainly moved nothing. */
const REFUSED: ReadonlySet<TurnoutError["kind"]> = new Set(["not found", "not allowed", "conflict"]);

/**
 * Points an alias elsewhere, if it still points where it did. The catalog and the change log can't be changed together,
 * so the log says first what is intended, and afterwards what became of it: after a crash in between `finishMoves`
 * knows what was under way.
 *
 * @throws GuardrailHit in a freeze, or past a guardrail, unless it is a rollback to a version that was there before;
 *   RevisionConflict; TurnoutError `conflict` when the alias has been moved meanwhile, `not found` when the version
 *   doesn't exist
 */
export async function moveAlias(ports: MovePorts & MoveReaders, request: MoveRequest): Promise<MadeMove> {
  const { catalog, table, newId } = ports;
  const { component, alias, from, to } = request.move;
  const intended = await intend(ports, request);
  const { revision: intent, ...said } = intended;
  const end = (stage: "settled" | "abandoned") =>
    endMove(table, { ...said, changeId: newId(), move: { ...said.move, stage, intent } });
  let moved: boolean;
  try {
    moved = await catalog.moveAlias(component, alias, to, from);
  } catch (error) {
    // Refused, and told so: nobody is to make it later. Of anything else it isn't known whether the alias was moved;
    // `finishMoves` will look.
    if (error instanceof TurnoutError && REFUSED.has(error.kind)) await end("abandoned");
    throw error;
  }
  // Where it points at the version all the same, the move may have been finished by `finishMoves`.
  const isThere = moved || (await versionOf(catalog, request.move)) === to;
  const ended = await end(isThere ? "settled" : "abandoned");
  if (ended.move.stage === "settled") return { intended: intent, settled: ended.revision };
  // It was given up by `finishMoves` before it was made, minutes late: what the log says stays true.
  if (moved && from !== null) await catalog.moveAlias(component, alias, from, to);
  throw new TurnoutError("conflict", `Somebody else has just moved ${alias} of ${component}. Nothing was changed.`, {
    remedies: [{ operation: "list aliases", component }],
  });
}

/** The version that an alias points at, null for none. */
export async function versionOf(
  catalog: Pick<VersionCatalog, "aliases">,
  { component, alias }: Pick<AliasMove, "component" | "alias">,
): Promise<string | null> {
  const aliases = await catalog.aliases(component);
  return aliases.find((one) => one.alias === alias)?.version ?? null;
}

/** The freeze that stands against a move, if one does. */
export function freezeAgainst(guardrails: Guardrails | undefined, kind: MoveKind): Freeze | undefined {
  return kind === "rollback" ? undefined : guardrails?.freeze;
}

/** Enters the intention, on condition that no freeze or guardrail has come to stand against it meanwhile. */
async function intend(ports: MovePorts & MoveReaders, request: MoveRequest): Promise<MoveEntry> {
  const { move, kind, force = false, expectedRevision, checked, replay, ...meta } = request;
  const { table, newId } = ports;
  const logged: LoggedMove = { ...move, kind, stage: "intended", ...(replay === undefined ? {} : { replay }) };
  const change = { ...meta, changeId: newId(), rows: [], move: logged };
  let counted = checked;
  // What was there before, stays so: the log only grows.
  const judged = await judgedKind(table, move, kind);
  return lostRaces(
    async () => {
      const { revision: head, guardrails, bad } = await standingAgainst(table, move);
      const expected = expectedRevision ?? head;
      if (expected !== head) throw await revisionConflict(table, expected, head);
      const mustCount = judged !== "rollback" && countsMoves(guardrails) && counted?.revision !== head;
      if (mustCount) counted = await previewMove(ports, move, kind, request.at);
      const objections = objectionsToMove(judged, guardrails, counted?.impacts ?? [], bad);
      if (objections.length > 0 && !force) throw new GuardrailHit(objections);
      const entry = { ...change, ...(objections.length === 0 ? {} : { forced: true }) };
      const result = await table.commit(entry, expected);
      return result.committed ? { ...entry, revision: result.revision } : LOST;
    },
    { left: "Nothing was changed. Try again when it is quieter." },
  );
}

/**
 * Enters what became of a move, unless somebody has: it has one end only.
 * @returns the entry that ends it
 */
async function endMove(table: RoutingTable, change: RoutingChange & { move: LoggedMove }): Promise<MoveEntry> {
  const { alias, component } = change.move;
  let readUpTo = change.move.intent ?? 0;
  return lostRaces(
    async () => {
      const result = await table.commit(change, readUpTo);
      if (result.committed) return { ...change, revision: result.revision };
      const page = await table.changesAfter(readUpTo, CHANGES_PER_PAGE);
      const end = page.filter(isMove).find(({ move }) => move.intent === change.move.intent);
      if (end !== undefined) return end;
      readUpTo += page.length;
      return LOST;
    },
    { left: `What became of the move of ${alias} of ${component} will stand there within minutes.` },
  );
}
