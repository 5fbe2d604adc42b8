import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { readRevisions, revisionRanges } from "../../../shared/domain/routing/revision-ranges.ts";
import type { ChangeLogEntry, Revision, RowChange } from "../../../shared/domain/routing/routing-change.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { withInstallation } from "../terminal/context.ts";
import { type MutationOptions, must, mutationOptions } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";
import { commandLine } from "../terminal/shell-quote.ts";
import { rowDetails } from "../wording/row-details.ts";
import { changeRouting } from "./change-routing.ts";
import { commandBack } from "./undo-of-move.ts";

export function define(command: Command): void {
  command.argument("<revisions...>", "the changes to take back: revisions such as 42, or 42..57");
  mutationOptions(command)
    .addHelpText(
      "after",
      `
Puts the rows that these changes touched back to what they were before, as new
changes, the newest first. Refused when one of the rows has changed again since.

Example:
  $ turnout revert 42 --reason "the pattern was too wide"
`,
    )
    .action(revert);
}

async function revert(ranges: string[], options: MutationOptions): Promise<void> {
  const revisions = ranges.flatMap((range) => must(readRevisions(range), range));
  await withInstallation(async (state) => {
    const changes = await changesOf(state.routingTable, revisions);
    const [newest, ...others] = changes;
    if (newest === undefined) return;
    for (const line of changes.flatMap(moveLeft)) note(line);
    const what =
      others.length === 0 ? `revision ${newest.revision}, '${newest.command}' by ${newest.who}` : ranges.join(" ");
    await changeRouting(state, options, {
      edit: { kind: "revert", change: { ...newest, rows: together(changes) } },
      steps: changes.map((change) => ({ kind: "revert", change })),
      what: `revert ${what}`,
      alreadySo: changes.every(({ rows }) => rows.length === 0)
        ? "no routing rows were changed there; an alias is moved back with 'turnout alias set' or 'turnout rollback'"
        : "it has been reverted already",
      details: (rows) => rows.flatMap(rowDetails),
      undo: (made) => undoByRevert(made.revisions),
      now: new Date(),
    });
  });
}

/** The change log's entries, newest first. */
async function changesOf(table: RoutingTable, revisions: readonly Revision[]): Promise<ChangeLogEntry[]> {
  const changes: ChangeLogEntry[] = [];
  for (const revision of [...new Set(revisions)].sort((a, b) => b - a)) {
    const [change] = await table.changesAfter(revision - 1, 1);
    if (change === undefined) {
      throw new TurnoutError("not found", `There is no revision ${revision}; the newest is ${await table.head()}.`);
    }
    changes.push(change);
  }
  return changes;
}

/** Says that the move of an alias stays, which has no rows to put back, and what takes it back. */
function moveLeft({ move, revision }: ChangeLogEntry): string[] {
  if (move === undefined) return [];
  const { component, alias, from, to, stage } = move;
  const what = `revision ${revision} is the move of ${alias} of ${component} from ${from ?? "nowhere"} to ${to}`;
  if (stage === "abandoned") return [`${what}, which was abandoned: nothing was moved`];
  const undo = commandBack(move, move.kind, revision);
  return [`${what}, which isn't reverted${undo === null ? "" : `; it is taken back with: ${undo}`}`];
}

/** What several changes did to each row, taken together. */
function together(newestFirst: readonly ChangeLogEntry[]): RowChange[] {
  const rows = new Map<string, RowChange>();
  for (const { key, before, after } of newestFirst.flatMap((change) => change.rows)) {
    rows.set(key, { key, before, after: (rows.get(key) ?? { after }).after });
  }
  return [...rows.values()];
}

/** The undo of changes that no other command says the opposite of. */
export function undoByRevert(revisions: readonly Revision[]): string {
  const ranges = revisionRanges(revisions);
  return commandLine("revert", ...ranges, "--reason", `undo of revision ${ranges.join(", ")}`);
}
