import type { Command } from "commander";
import { readRevisions } from "../../../shared/domain/routing/revision-ranges.ts";
import { reverting } from "../../../shared/installation/changes/asked-revert.ts";
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
    const { asked, stays } = await reverting(installation, revisions, ranges.join(" "), new Date());
    stays.forEach(note);
    await changeRouting(installation, options, asked);
  });
}
