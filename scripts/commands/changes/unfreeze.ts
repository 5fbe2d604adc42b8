import type { Command } from "commander";
import { standingGuardrails } from "../../../shared/flows/change/standing-guardrails.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";
import { changeGuardrails } from "./change-guardrails.ts";
import { undoByRevert } from "./revert.ts";

export function define(command: Command): void {
  changeOptions(command)
    .addHelpText("after", '\nExample:\n  $ turnout unfreeze --reason "incident 42 is over"\n')
    .action(unfreeze);
}

async function unfreeze(options: ChangeOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const standing = await standingGuardrails(installation.routingTable);
    const { freeze, ...guardrails } = standing.guardrails;
    if (freeze !== undefined && !options.json) note(`frozen by ${freeze.who} since ${freeze.at}: ${freeze.why}`);
    await changeGuardrails(installation, options, standing, {
      guardrails: freeze === undefined ? standing.guardrails : guardrails,
      what: "unfreeze the routing",
      alreadySo: "the routing isn't frozen",
      undo: ({ revisions }) => undoByRevert(revisions),
      now: new Date(),
    });
  });
}
