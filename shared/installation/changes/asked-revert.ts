import type { ChangeLogEntry, Revision } from "../../domain/routing/routing-change.ts";
import { rowWords } from "../../domain/routing/row-words.ts";
import { planRevert } from "../../flows/change/plan-revert.ts";
import type { Installation } from "../installation.ts";
import { commandLine } from "../wording/shell-quote.ts";
import { commandBack, undoByRevert } from "../wording/undo-commands.ts";
import type { AskedChange } from "./asked-change.ts";

/** Takes changes back. `stays`: what of them isn't reverted, the moves of aliases, a line each. */
export async function reverting(
  { routingTable }: Pick<Installation, "routingTable">,
  revisions: readonly Revision[],
  named: string,
  now: Date,
): Promise<{ asked: AskedChange; stays: string[] }> {
  const { changes, edit, steps } = await planRevert(routingTable, revisions);
  const [newest] = changes;
  const isOne = newest !== undefined && changes.length === 1;
  const what = isOne ? `revision ${newest.revision}, '${newest.command}' by ${newest.who}` : named;
  const asked: AskedChange = {
    edit,
    steps,
    what: `revert ${what}`,
    alreadySo: changes.every(({ rows }) => rows.length === 0)
      ? "no routing rows were changed there; an alias is moved back with 'turnout alias set' or 'turnout rollback'"
      : "it has been reverted already",
    details: (rows) => rows.flatMap(rowWords),
    undo: (made) => undoByRevert(made.revisions),
    now,
  };
  return { asked, stays: changes.flatMap(moveLeft) };
}

/** Says that the move of an alias stays, which has no rows to put back, and what takes it back. */
function moveLeft({ move, revision }: ChangeLogEntry): string[] {
  if (move === undefined) return [];
  const { component, alias, from, to, stage } = move;
  const what = `revision ${revision} is the move of ${alias} of ${component} from ${from ?? "nowhere"} to ${to}`;
  if (stage === "abandoned") return [`${what}, which was abandoned: nothing was moved`];
  const undo = commandBack(move, move.kind, revision);
  return [
    `${what}, which isn't reverted${undo === undefined ? "" : `; it is taken back with: ${commandLine(...undo)}`}`,
  ];
}
