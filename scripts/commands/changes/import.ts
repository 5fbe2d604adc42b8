import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { readRoutingFile } from "../../../shared/domain/routing/routing-file.ts";
import { rowDetails } from "../../../shared/domain/routing/row-details.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { planRestore } from "../../../shared/flows/change/restore-routing.ts";
import { undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { complainLine } from "../terminal/complain.ts";
import { willWrite } from "../terminal/confirm.ts";
import { withNewInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { mustRead, readInput } from "../terminal/read-input.ts";
import { changeRouting } from "./change-routing.ts";

export function define(command: Command): void {
  command.argument("<file>", "what 'turnout export' has written, - for stdin");
  changeOptions(command)
    .addHelpText(
      "after",
      `
Afterwards the routing is as in the file: rows that it doesn't have are removed.
It is made in changes of up to 90 rows; run again, it does what is left of it.

Example:
  $ turnout import routing.json --reason "new environment" --dry-run
`,
    )
    .action(importRouting);
}

async function importRouting(file: string, options: ChangeOptions): Promise<void> {
  const { name, text } = await readInput(file);
  const { rows, bad } = mustRead(readRoutingFile(text), name);
  for (const { where, problem } of bad) complainLine(`${name}, ${where}: ${problem}.`);
  if (bad.length > 0) {
    throw new TurnoutError("failed", `Nothing was imported: ${plural(bad.length, "row")} of ${name} can't be read.`);
  }
  await withNewInstallation(willWrite(options), async (installation) => {
    const { added, changed, removed, edit, steps } = await planRestore(installation.routingTable, rows);
    await changeRouting(installation, options, {
      edit,
      steps,
      what: `import ${plural(rows.size, "row")} from ${name}`,
      alreadySo: `the routing has all ${plural(rows.size, "row")} and no others already`,
      details: (changes) => [
        `${added} added, ${changed} changed, ${removed} removed, in ${plural(steps.length, "change")}`,
        // Row by row only what a person would still read.
        ...(steps.length > 1 ? [] : changes.flatMap(rowDetails)),
      ],
      undo: ({ revisions }) => undoByRevert(revisions),
      now: new Date(),
    });
  });
}
