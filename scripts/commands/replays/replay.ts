import type { Command } from "commander";
import { type JsonOption, jsonOption, wholeNumber } from "../terminal/options.ts";
import { askOf } from "./replay-asking.ts";
import { listReplays, showReplay } from "./replay-list.ts";
import { rateOptions, requestOptions, startOptions } from "./replay-options.ts";
import { planOnly } from "./replay-plan.ts";
import { startAsAsked } from "./replay-start.ts";
import { watchNamed } from "./replay-watch.ts";

const WHAT = `
What is replayed: every delivery that the filter matches and that was begun
before the replay. Oldest first, and of one project to one component one by one,
also through attempts that fail: what comes later waits for it to end.
  --mode rerun   every match is run once more, with a turnout.idempotencyKey
                 that nothing else has, so that consumers run it again
  --mode finish  what is dead, or waits for another attempt, is tried again
                 now, with the key that it had; of an event that died in
                 several replays the latest one. What was rejected as it
                 couldn't be read, and by now can, is delivered as it would
                 have been on arrival
What a later replay has made good isn't dead any more: neither --status dead nor
--unresolved nor --mode finish sends it again, and the plan says how much it is.

Where to: where the routing says at that moment (a pin that is made while it
runs counts at once), or with --to-alias an alias, or with --original the alias
that handled it before. 'all-stable' comes before all of these. What --mode
finish has tried there once goes where the routing says from then on.

Defined, whatever else goes on:
  a delivery that is under way    is waited for, and replayed once it is over
  a live retry                    is replayed if it ends within seconds, on AWS
                                  in 15 minutes; else left to today's routing;
                                  --mode finish tries it now
  events of one millisecond       are replayed as they were published; on AWS in
                                  the order in which the router received them
  what arrives meanwhile          isn't part of it; it follows the routing
  two replays of the same events  each run them, with a key of their own, also
                                  where the other one is still trying
  a replay of a replay            --replay NAME matches what that one delivered
  what a consumer publishes       is a live event; where it hands on
                                  turnout.replay it can be told apart
  an error of a replay's own      is told as its trouble, and it is tried again;
                                  after an hour and 30 tries without getting any
                                  further it has failed. 'replay resume' lets it
                                  go on from there, 'replay cancel' ends it`;

const EXIT_CODES = `
Exit code: 0 when it has ended and everything was delivered, 7 when something
of it is dead, it was cancelled or it failed, 130 when Ctrl-C ended the
watching.`;

export function define(command: Command): void {
  const planning = command.command("plan").description("say what a replay would do, and send nothing");
  requestOptions(planning);
  rateOptions(planning);
  jsonOption(planning)
    .addHelpText(
      "after",
      `${WHAT}

Examples:
  $ turnout replay plan --since 15m --component release-coordinator
  $ turnout replay plan --since 1h --unresolved --mode finish
  $ turnout replay plan --pattern '{"detail":{"ref":["refs/heads/main"]}}'
`,
    )
    .action(planOnly);

  const starting = command.command("start").description("deliver a window of events again");
  requestOptions(starting);
  rateOptions(starting);
  startOptions(starting);
  starting
    .addHelpText(
      "after",
      `${WHAT}

It runs on the server; the command only watches, and Ctrl-C leaves it running.
With --json the first line says that it was started, and one more follows for
every change until it has ended, as 'replay watch' prints them.
${EXIT_CODES}
With --detach, or without a server, 0 as soon as it is stored.

Examples:
  $ turnout replay start --since 15m --executed-version 23 \\
      --reason "23 lost releases"
  $ turnout replay start --from 2026-11-20T10:00Z --to 2026-11-20T10:20Z \\
      --customer acme --to-alias stable --rate 20 \\
      --reason "acme missed its release"
`,
    )
    .action(startAsAsked);

  jsonOption(command.command("list").description("list replays, the newest last"))
    .option("--limit <n>", "only the newest n (default: 20)", wholeNumber("--limit", 1), 20)
    .addHelpText("after", examples("list", "list --limit 100 --json"))
    .action(listReplays);
  jsonOption(command.command("show").description("print all that is known of a replay").argument("<name>", "its name"))
    .addHelpText("after", examples("show replay-20261120-101502-kfx"))
    .action(showReplay);
  jsonOption(
    command
      .command("watch")
      .description("watch a replay until it ends; Ctrl-C leaves it running")
      .argument("<name>", "its name"),
  )
    .addHelpText("after", `${EXIT_CODES}\n${examples("watch replay-20261120-101502-kfx")}`)
    .action(watchNamed);
  for (const [name, description] of [
    ["pause", "stop a replay for now; what is under way comes to its end"],
    ["resume", "let a replay go on that is paused, or has failed"],
    ["cancel", "end a replay for good; what it has delivered stays delivered"],
  ] as const) {
    const asking = command.command(name).description(description).argument("<name>", "the replay's name");
    jsonOption(asking)
      .option("--reason <text>", "why", "")
      .option("--dry-run", "say what would be asked, and ask nothing")
      .option("-y, --yes", "don't ask")
      .addHelpText("after", examples(`${name} replay-20261120-101502-kfx --reason "acme is slow"`))
      .action((replay: string, options: JsonOption & { reason: string; dryRun?: true; yes?: true }) =>
        askOf(name, replay, options),
      );
  }
}

function examples(...commands: readonly string[]): string {
  const lines = commands.map((command) => `  $ turnout replay ${command}\n`).join("");
  return `\nExample${commands.length === 1 ? "" : "s"}:\n${lines}`;
}
