import type { Command } from "commander";
import { promoting } from "../../../shared/installation/changes/asked-move.ts";
import { withInstallation } from "../terminal/context.ts";
import { aliasName, type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { changeAlias } from "./change-alias.ts";

export function define(command: Command): void {
  command
    .argument("<component>", "the component")
    .argument("<from>", "the alias whose version is promoted", aliasName("The alias it comes from"))
    .argument("<to>", "the alias that gets it", aliasName("The alias it goes to"));
  changeOptions(command)
    .addHelpText(
      "after",
      `
Points one alias at the version behind another. The other one keeps it too.
'turnout rollback' goes back to what was promoted there before.

Examples:
  $ turnout promote release-coordinator experimental beta --reason "ran a day"
  $ turnout promote release-coordinator beta stable --reason "good" --dry-run
`,
    )
    .action(promote);
}

async function promote(name: string, source: string, alias: string, options: ChangeOptions): Promise<void> {
  await withInstallation(async (installation) =>
    changeAlias(installation, options, await promoting(installation, name, source, alias)),
  );
}
