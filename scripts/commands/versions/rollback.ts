import type { Command } from "commander";
import { rollingBack } from "../../../shared/installation/changes/asked-move.ts";
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
  await withInstallation(async (installation) =>
    changeAlias(installation, options, await rollingBack(installation, name, alias, options.to)),
  );
}
