import { TurnoutError } from "../../domain/errors.ts";
import type { LoggedMove } from "../../domain/routing/alias-move.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import {
  isSameAlias,
  isSettled,
  type MoveEntry,
  type TracedMove,
  traceMoves,
} from "../../domain/routing/trace-moves.ts";
import { judgedKind } from "../change/known-version.ts";
import { standingGuardrails } from "../change/standing-guardrails.ts";
import { freezeAgainst, type MovePorts, versionOf } from "./move-alias.ts";

/** Moves that were ended, moves that are left for later, and the revision at which there was nothing more to do. */
export type FinishedMoves = { settled: number; abandoned: number; waiting: number; revision: Revision };

/** A process takes milliseconds from the intention to the end of a move. One that hasn't ended by then has died. */
const UNFINISHED_AFTER_MS = 60_000;

/** How far back moves without an end are looked for. */
const NEWEST_CHANGES = 200;

/** Then the rest is left for the next run: each lost race reads the log anew. */
const MAX_LOST_RACES = 20;

/**
 * Finishes the moves of aliases that a crash has left intended: makes those that can still be made, and notes what
 * became of each. One that fails is left for the next run, and the others are finished all the same. Several may run at once, and the one who intended it may be alive: the alias is moved only from where
 * it was, and the end is entered only if nothing has come since the log was read.
 */
export function finishMoves(ports: MovePorts, now: Date): Promise<FinishedMoves> {
  const isLeft = (intended: MoveEntry) => intended.at.getTime() < now.getTime() - UNFINISHED_AFTER_MS;
  return endMoves(ports, now, isLeft, true);
}

/** Gives up what somebody has intended and not made, so that nobody makes it later; what was made is noted as made. */
export async function giveUpMoves(ports: MovePorts, who: string, component: string, now: Date): Promise<void> {
  await endMoves(ports, now, (intended) => intended.who === who && intended.move.component === component, false);
}

async function endMoves(
  ports: MovePorts,
  now: Date,
  isMeant: (intended: MoveEntry) => boolean,
  makes: boolean,
): Promise<FinishedMoves> {
  const { table, newId } = ports;
  const finished = { settled: 0, abandoned: 0 };
  const failed = new Map<Revision, unknown>();
  for (let lost = 0; ; ) {
    const { revision, guardrails } = await standingGuardrails(table);
    const first = Math.max(0, revision - NEWEST_CHANGES);
    const moves = traceMoves(await table.changesAfter(first, revision - first));
    const open = moves.filter(({ end }) => end === undefined);
    const left = open.find(({ intended }) => isMeant(intended) && !failed.has(intended.revision));
    if (left === undefined || lost === MAX_LOST_RACES) {
      for (const error of failed.values()) throw error;
      return { ...finished, waiting: open.length, revision };
    }
    const { intended } = left;
    let stage: "settled" | "abandoned";
    try {
      const freeze =
        guardrails.freeze && freezeAgainst(guardrails, await judgedKind(table, intended.move, intended.move.kind));
      const mayMove = makes && (freeze === undefined || intended.forced === true);
      stage = (await isThere(ports, left, moves, mayMove)) ? "settled" : "abandoned";
    } catch (error) {
      failed.set(intended.revision, error);
      continue;
    }
    const move: LoggedMove = { ...intended.move, stage, intent: intended.revision };
    const why = `revision ${intended.revision} by ${intended.who} was left unfinished`;
    const meta = { changeId: newId(), at: now, who: "turnout", why, command: intended.command };
    const result = await table.commit({ ...meta, rows: [], move }, revision);
    if (result.committed) finished[stage] += 1;
    else lost += 1;
  }
}

/** Finishes moves again and again. Reads the log only when it has grown, or when there was a move to wait for. */
export function moveFinisher(ports: MovePorts): (now: Date) => Promise<void> {
  let atRest: Revision | undefined;
  return async (now) => {
    if ((await ports.table.head()) === atRest) return;
    const { waiting, revision } = await finishMoves(ports, now);
    atRest = waiting === 0 ? revision : undefined;
  };
}

/** Whether the alias points at the version, or did until its next move; it is moved there if it can be. */
async function isThere(
  { catalog }: MovePorts,
  { intended }: TracedMove,
  moves: readonly TracedMove[],
  mayMove: boolean,
): Promise<boolean> {
  const { component, alias, from, to } = intended.move;
  // Others have gone on from where this one left the alias: it is not to be moved from under them.
  const next = nextMove(intended, moves);
  if (next !== undefined) return next.move.from === to;
  const version = await versionOf(catalog, intended.move);
  if (version === to || !mayMove) return version === to;
  try {
    // False where it points elsewhere by now, or where somebody else has just finished the move.
    return (await catalog.moveAlias(component, alias, to, from)) || (await versionOf(catalog, intended.move)) === to;
  } catch (error) {
    if (error instanceof TurnoutError && error.kind === "not found") return false;
    throw error;
  }
}

/** The next move of the same alias that has ended well. */
function nextMove(intended: MoveEntry, moves: readonly TracedMove[]): MoveEntry | undefined {
  const next = moves.find(
    (other) =>
      isSettled(other) &&
      other.intended.revision > intended.revision &&
      isSameAlias(other.intended.move, intended.move),
  );
  return next?.intended;
}
