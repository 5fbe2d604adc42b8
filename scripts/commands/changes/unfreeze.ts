import type { Command } from "commander";
import { unfreezing } from "../../../shared/installation/changes/asked-rules.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";
import { changeRouting } from "./change-routing.ts";

export function define(command: Command): void {
  changeOptions(command)
    .addHelpText("after", '\nExample:\n  $ turnout unfreeze --reason "incident 42 is over"\n')
    .action(unfreeze);
}

async function unfreeze(options: ChangeOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const { frozen, ...asked } = await unfreezing(installation, new Date());
    if (frozen !== undefined && !options.json) note(`frozen by ${frozen.who} since ${frozen.at}: ${frozen.why}`);
    await changeRouting(installation, options, asked);
  });
}
