import type { Command } from "commander";
import { plural } from "../../../shared/domain/text/plural.ts";
import { openEmbeddedState } from "../../../shared/embedded-dependencies.ts";
import { backUp } from "../../embedded/back-up.ts";
import { complainLine } from "../terminal/complain.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { embeddedHome } from "./embedded-home.ts";

export function define(command: Command): void {
  command.argument("<file>", "where to write it; there must be no such file yet");
  jsonOption(command)
    .addHelpText(
      "after",
      `
Everything that this machine's state has: routing, events with their bodies,
ledger, queues, replays, and the code of versions. As of one moment, with all
that had been acknowledged by then; the server goes on meanwhile. A copy of
'state.db' alone is no backup: it lacks the bodies, the versions, and what its
log has.

Not in it: the logs of versions, and what versions store themselves. On AWS,
tables have point-in-time recovery and buckets versions instead.

Example:
  $ turnout backup /var/backups/turnout-$(date +%F).backup
`,
    )
    .action(backup);
}

async function backup(file: string, { json }: JsonOption): Promise<void> {
  const state = openEmbeddedState(embeddedHome("backup"), { create: false });
  try {
    const { file: path, bytes, events, bodies, versions, missing } = backUp(state, file, new Date());
    if (json) printJson({ file: path, bytes, events, bodies, versions, missing });
    else {
      const what = `${plural(events, "event")} and ${plural(versions, "version")} in ${bytes.toLocaleString("en")} bytes`;
      note(`${what} written to ${path}`);
    }
    for (const lost of missing) complainLine(`${lost} was missing already, and isn't in the backup.`);
    if (missing.length > 0) endPartlyDone();
  } finally {
    state.close();
  }
}
