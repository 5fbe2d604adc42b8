import type { Command } from "commander";
import { changeRouting } from "../changes/change-routing.ts";
import { withInstallation } from "../terminal/context.ts";
import {
  type ChangeOptions,
  changeOptions,
  oneSubject,
  type SubjectOptions,
  subjectOptions,
} from "../terminal/options.ts";
import { required } from "../terminal/required-option.ts";
import { commandForPinBefore, pinDetails, usableAliases } from "./pin-command.ts";

type UnpinOptions = ChangeOptions & SubjectOptions & { component: string };

export function define(command: Command): void {
  changeOptions(required(subjectOptions(command), "--component <name>", "the component that it is pinned for"))
    .addHelpText(
      "after",
      `
Example:
  $ turnout unpin --customer acme --component release-coordinator \\
      --reason "23 lost a webhook"
`,
    )
    .action(unpin);
}

async function unpin(options: UnpinOptions): Promise<void> {
  const subject = { ...oneSubject(options), component: options.component };
  const { level, id, component } = subject;
  const now = new Date();
  await withInstallation(async (installation) => {
    const usable = await usableAliases(installation.routingTable, component);
    await changeRouting(installation, options, {
      edit: { kind: "unpin", ...subject },
      what: `unpin ${level} ${id} of ${component}`,
      alreadySo: `${level} ${id} has no pin of ${component}`,
      details: (rows) => pinDetails(component, rows),
      undo: (made) => commandForPinBefore(subject, made, usable, now),
      now,
    });
  });
}
