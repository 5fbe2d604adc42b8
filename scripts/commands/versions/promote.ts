import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { componentNamed, versionBehind } from "../../../shared/flows/versions/component-named.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
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
  await withInstallation(async (installation) => {
    const component = await componentNamed(installation.routingTable, name);
    const to = await versionBehind(installation.catalog, component, source);
    const from = await versionBehind(installation.catalog, component, alias);
    if (to === null) {
      throw new TurnoutError(
        "not found",
        `${source} of ${name} points at no version, so there is nothing to promote. ` +
          `Point it at one with '${commandLine("alias", "set", name, source)} VERSION'.`,
      );
    }
    await changeAlias(installation, options, {
      move: { component: name, alias, from, to },
      kind: "promote",
      what: `promote ${source} of ${name}: move ${alias}`,
      now: new Date(),
    });
  });
}
