import type { Command } from "commander";
import { planRollback, type RollbackPlan } from "../../../shared/flows/versions/undo-version.ts";
import { withInstallation } from "../terminal/context.ts";
import { aliasName, type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { changeAlias } from "./change-alias.ts";

type RollbackOptions = ChangeOptions & { to?: string };

export function define(command: Command): void {
  command
    .argument("<component>", "the component")
    .argument("<alias>", "one of its aliases", aliasName("The alias"))
    .option("--to <version>", "the version to go to (default: the one promoted there before)");
  changeOptions(command)
    .addHelpText(
      "after",
      `
Points an alias at the version that was promoted there before, which needn't be
the one that was built before. Again, it goes another step back, never forward.
Allowed while changes are frozen, and past the guardrails. So it goes only to a
version that was there before, by --to as well: for any other there is
'turnout alias set'. Where the change log doesn't tell, it is taken for such.

Examples:
  $ turnout rollback release-coordinator stable --reason "23 loses webhooks"
  $ turnout rollback release-coordinator stable --to 21 --reason "22 does too"
`,
    )
    .action(rollback);
}

async function rollback(name: string, alias: string, options: RollbackOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const plan = await planRollback(installation, name, alias, options.to);
    await changeAlias(installation, options, {
      move: plan.move,
      kind: "rollback",
      what: `roll ${alias} of ${name} back`,
      details: sinceTexts(plan),
      now: new Date(),
    });
  });
}

/** Says since when the version that is left has been there, as far as the log knows. */
export function sinceTexts({ move: { alias, from }, standing: { since, revision }, change }: RollbackPlan): string[] {
  if (since === undefined || revision === undefined) return [];
  const said = change === undefined ? "" : ` by ${change.who}: ${change.why}`;
  return [`${alias} has been at ${from} since ${since.toISOString()}, revision ${revision}${said}`];
}
