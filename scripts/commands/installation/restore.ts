import type { Command } from "commander";
import { plural } from "../../../shared/domain/text/plural.ts";
import { restoreBackup } from "../../embedded/restore-backup.ts";
import { complainLine } from "../terminal/complain.ts";
import { confirm } from "../terminal/confirm.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { embeddedHome } from "./embedded-home.ts";

type RestoreOptions = JsonOption & { replace?: true; yes?: true };

export function define(command: Command): void {
  command
    .argument("<file>", "what 'turnout backup' has written")
    .option("--replace", "move a state that is there aside, into a folder beside it");
  jsonOption(command)
    .option("-y, --yes", "don't ask")
    .addHelpText(
      "after",
      `
Checks all of the backup, and makes the state folder of it, readable by its
owner alone. No server may run there. The server that starts on it goes on as
after a crash: what has been delivered since the backup was made and isn't known
in it is delivered again, under the same keys.

Example:
  $ TURNOUT_HOME=/srv/turnout turnout restore /backups/turnout-2026-11-20.backup
`,
    )
    .action(restore);
}

async function restore(file: string, { replace, yes, json }: RestoreOptions): Promise<void> {
  const home = embeddedHome("restore");
  if (replace) await confirm(`Replace the state in ${home}?`, yes ?? false);
  const { madeAt, events, missing, replaced } = restoreBackup(file, home, {
    replace: replace ?? false,
    now: new Date(),
  });
  if (json) printJson({ home, made_at: madeAt.toISOString(), events, missing, replaced: replaced ?? null });
  else note(`${plural(events, "event")} of ${madeAt.toISOString()} restored in ${home}`);
  if (replaced !== undefined) note(`what was there is in ${replaced}`);
  for (const lost of missing) complainLine(`${lost} was missing already when the backup was made.`);
  if (missing.length > 0) endPartlyDone();
}
