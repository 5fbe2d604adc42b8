import type { Command } from "commander";
import { type AskedOfRelease, askingOfRelease } from "../../../shared/installation/changes/asked-release.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";

export function askingOptions(command: Command, asking: AskedOfRelease): Command {
  return changeOptions(command.argument("<id>", "the release")).action((id: string, options: ChangeOptions) =>
    ask(asking, id, options),
  );
}

async function ask(asking: AskedOfRelease, id: string, options: ChangeOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const now = new Date();
    const said = { who: await installation.who(), why: options.reason, at: now.toISOString() };
    const about = { id, said, force: options.force ?? false };
    const { asked, after } = await askingOfRelease(installation, asking, about, now);
    await changeRouting(installation, options, asked);
    if (!options.dryRun) for (const line of after) note(line);
  });
}
