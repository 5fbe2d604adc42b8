import type { Command } from "commander";
import { unpinning } from "../../../shared/installation/changes/asked-pin.ts";
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
  await withInstallation(async (installation) =>
    changeRouting(installation, options, await unpinning(installation, subject, new Date())),
  );
}
