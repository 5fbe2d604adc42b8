import type { Command } from "commander";
import { aborting, pausing, resuming } from "../../../shared/installation/changes/asked-release.ts";
import { jsonOption } from "../terminal/options.ts";
import { askingOptions } from "./release-asking.ts";
import { listReleases, showRelease } from "./release-list.ts";
import { defineStart } from "./release-start.ts";
import { watchRelease } from "./release-watch.ts";

export function define(command: Command): void {
  defineStart(command.command("start").description("bring a version to everybody, step by step"));
  jsonOption(command.command("list").description("list each component's release, or its last one"))
    .addHelpText("after", "\nExamples:\n  $ turnout release list\n  $ turnout release list --json\n")
    .action(listReleases);
  jsonOption(
    command.command("show").description("print all that is known of a release").argument("<id>", "the release"),
  )
    .addHelpText("after", "\nExample:\n  $ turnout release show 24-faster-rule\n")
    .action(showRelease);
  jsonOption(
    command
      .command("watch")
      .description("watch a release until it ends; Ctrl-C leaves it running")
      .argument("<id>", "the release"),
  )
    .addHelpText(
      "after",
      `
Exit code: 0 when everybody is on the version, 7 when it was taken back, 130
when Ctrl-C ended the watching.

Example:
  $ turnout release watch 24-faster-rule
`,
    )
    .action(watchRelease);
  askingOptions(
    command.command("pause").description("stop a release for now; everybody stays where they are"),
    pausing,
  ).addHelpText("after", '\nExample:\n  $ turnout release pause 24-faster-rule --reason "lunch"\n');
  askingOptions(command.command("resume").description("let a release go on that is paused"), resuming).addHelpText(
    "after",
    `
The step that it stands at begins anew: its time is waited for once more. A rule
of its own that somebody has changed is theirs from now on. With --force its
steps go past the guardrails from now on.

Example:
  $ turnout release resume 24-faster-rule --reason "back from lunch"
`,
  );
  askingOptions(
    command.command("abort").description("take a release back: everybody goes where they were"),
    aborting,
  ).addHelpText(
    "after",
    `
Its rules go in one change, and its alias goes back to the version that it had.
What somebody else has set in their place stays.

Example:
  $ turnout release abort 24-faster-rule --reason "24 is slow for acme"
`,
  );
}
