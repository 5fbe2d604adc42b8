import type { Command } from "commander";
import { freezing } from "../../../shared/installation/changes/asked-rules.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { changeRouting } from "./change-routing.ts";

export function define(command: Command): void {
  changeOptions(command)
    .addHelpText(
      "after",
      `
Stops every change of the routing but those that take something back: rollback,
revert, all-stable, and unfreeze. Others need --force, and are logged as forced.

Example:
  $ turnout freeze --reason "incident 42, nobody moves"
`,
    )
    .action(freeze);
}

async function freeze(options: ChangeOptions): Promise<void> {
  const now = new Date();
  await withInstallation(async (installation) => {
    const said = { who: await installation.who(), why: options.reason, at: now.toISOString() };
    await changeRouting(installation, options, await freezing(installation, said, now));
  });
}
