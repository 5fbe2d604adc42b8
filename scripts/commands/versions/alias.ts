import type { Command } from "commander";
import { settingAlias } from "../../../shared/installation/changes/asked-move.ts";
import { withInstallation } from "../terminal/context.ts";
import { aliasName, type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { defineAliasNames } from "./alias-names.ts";
import { changeAlias } from "./change-alias.ts";

export function define(command: Command): void {
  const setting = command
    .command("set")
    .description("point an alias at a version")
    .argument("<component>", "the component")
    .argument("<alias>", "one of its aliases", aliasName("The alias"))
    .argument("<version>", "one of its versions");
  changeOptions(setting)
    .addHelpText(
      "after",
      `
Example:
  $ turnout alias set release-coordinator beta 23 --reason "24 lost a webhook"
`,
    )
    .action(set);
  defineAliasNames(command);
}

async function set(name: string, alias: string, version: string, options: ChangeOptions): Promise<void> {
  await withInstallation(async (installation) =>
    changeAlias(installation, options, await settingAlias(installation, name, alias, version)),
  );
}
