import type { Command } from "commander";
import { readRevisions } from "../../../shared/domain/routing/revision-ranges.ts";
import type { ChangeLogEntry } from "../../../shared/domain/routing/routing-change.ts";
import { rowDetails } from "../../../shared/domain/routing/row-details.ts";
import { planRevert } from "../../../shared/flows/change/plan-revert.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { commandBack, undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions, must } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";
import { changeRouting } from "./change-routing.ts";

export function define(command: Command): void {
  command.argument("<revisions...>", "the changes to take back: revisions such as 42, or 42..57");
  changeOptions(command)
    .addHelpText(
      "after",
      `
Puts what these changes did back to what was before, as new changes, the newest
first. What has been set anew since is left as it is, and named: a pin, an
alias, a cohort, a customer, a plan, or another field. Refused when that is all
of it.

Examples:
  $ turnout revert 42 --reason "the pattern was too wide"
  $ turnout revert 42..57 --reason "the import was of another environment"
`,
    )
    .action(revert);
}

async function revert(ranges: string[], options: ChangeOptions): Promise<void> {
  const revisions = ranges.flatMap((range) => must(readRevisions(range), range));
  await withInstallation(async (installation) => {
    const { changes, edit, steps } = await planRevert(installation.routingTable, revisions);
    const [newest] = changes;
    for (const line of changes.flatMap(moveLeft)) note(line);
    const what =
      newest !== undefined && changes.length === 1
        ? `revision ${newest.revision}, '${newest.command}' by ${newest.who}`
        : ranges.join(" ");
    await changeRouting(installation, options, {
      edit,
      steps,
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
