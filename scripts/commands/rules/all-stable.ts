import type { Command } from "commander";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { changeComponent } from "../changes/change-component.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { commandLine } from "../terminal/shell-quote.ts";

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
    const component = await componentNamed(installation.routingTable, name);
    if (options.off) {
      return changeComponent(installation, options, {
        component: name,
        change: { remove: "all stable" },
        what: `let the rules of ${name} count again`,
        alreadySo: `the rules of ${name} count already`,
        now,
      });
    }
    // Who said so first, and why, stays.
    const saying = component.allStable ?? { who: await installation.who(), why: options.reason, at: now.toISOString() };
    return changeComponent(installation, options, {
      component: name,
      change: { set: "all stable", allStable: saying },
      what: `send everything of ${name} to ${component.fallbackAlias}`,
      alreadySo: `everything of ${name} goes to ${component.fallbackAlias} already, by ${saying.who}: ${saying.why}`,
      undo: (_, reason) => commandLine("all-stable", name, "--off", ...reason),
      now,
    });
  });
}
