import type { Command } from "commander";
import { allToStable, rulesAgain } from "../../../shared/installation/changes/asked-rules.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";

export function define(command: Command): void {
  command.argument("<component>", "the component").option("--off", "let the rules count again");
  changeOptions(command)
    .addHelpText(
      "after",
      `
Sends everything to the component's fallback alias, whatever its rules say:
pins, cohorts, rollout, a replay's --to-alias and the default. That is 'stable'
unless 'component fallback' says otherwise, and 'aliases' lists the version
behind it. It holds from the next batch on, also for what is tried again; what
is under way ends where it began. The rules stay, and count again after --off.

Neither a freeze nor a guardrail stands against it; against --off they do (exit
code 4), unless --force is given. What went wrong before stays as it is: 'undo'
takes a version back and replays what it has handled.

Examples:
  $ turnout all-stable release-coordinator --reason "24 loses webhooks"
  $ turnout all-stable release-coordinator --off --reason "24 is gone"
`,
    )
    .action(allStable);
}

async function allStable(name: string, options: ChangeOptions & { off?: true }): Promise<void> {
  const now = new Date();
  await withInstallation(async (installation) => {
    const said = { who: await installation.who(), why: options.reason, at: now.toISOString() };
    const asked = options.off ? rulesAgain(installation, name, now) : allToStable(installation, name, said, now);
    await changeRouting(installation, options, await asked);
  });
}
