import type { Command } from "commander";
import { freezeText } from "../../../shared/domain/routing/guardrails.ts";
import { standingGuardrails } from "../../../shared/flows/change/standing-guardrails.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { commandLine } from "../terminal/shell-quote.ts";
import { changeGuardrails } from "./change-guardrails.ts";

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
    const standing = await standingGuardrails(installation.routingTable);
    const before = standing.guardrails.freeze;
    // Who froze first, and why, stays.
    const freezing = before ?? { who: await installation.who(), why: options.reason, at: now.toISOString() };
    await changeGuardrails(installation, options, standing, {
      guardrails: { ...standing.guardrails, freeze: freezing },
      what: "freeze the routing",
      alreadySo: freezeText(freezing),
      undo: ({ revisions }) => commandLine("unfreeze", "--reason", `undo of revision ${revisions.join(", ")}`),
      now,
    });
  });
}
