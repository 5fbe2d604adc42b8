import type { Command } from "commander";
import { type Release, releaseActor, stepText } from "../../../shared/domain/routing/release.ts";
import { type ReleaseAct, releaseEdit } from "../../../shared/domain/routing/release-edit.ts";
import { rowDetails } from "../../../shared/domain/routing/row-details.ts";
import { durationText } from "../../../shared/domain/text/duration.ts";
import { releaseNamed } from "../../../shared/flows/release/find-release.ts";
import { versionOf } from "../../../shared/flows/versions/move-alias.ts";
import type { CommandWords } from "../../../shared/installation/wording/shell-quote.ts";
import { reasonOfUndo } from "../../../shared/installation/wording/undo-commands.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { withInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";

type Said = { who: string; why: string; at: string };

/** What is asked of a release, and how it is taken back. */
export type Asking = {
  /** @param into what the alias points at now that gets the version in the end */
  act: (release: Release, said: Said, about: { force: boolean; into: string | null }) => ReleaseAct;
  what: string;
  alreadySo: string;
  undo: (component: string, release: Release, reason: CommandWords) => CommandWords;
};

export const pause: Asking = {
  act: ({ id }, said) => ({ do: "pause", id, ...said }),
  what: "pause",
  alreadySo: "is paused already",
  undo: (_, { id }, reason) => ["release", "resume", id, ...reason],
};

export const resume: Asking = {
  act: ({ id }, said, { force, into }) => ({ do: "resume", id, into, ...said, ...(force && { force }) }),
  what: "resume",
  alreadySo: "isn't paused",
  undo: (_, { id }, reason) => ["release", "pause", id, ...reason],
};

export const abort: Asking = {
  act: ({ id }, said) => ({ do: "take back", id, how: "aborted", ...said }),
  what: "take back",
  alreadySo: "is being taken back already",
  undo: (component, release, reason) => {
    const { version, alias, steps, everyMs, guard } = release;
    const through = steps.map((step) => (step.kind === "share" ? stepText(step) : stepText(step).replace(" ", ":")));
    const args = [
      "--version",
      version,
      "--alias",
      alias,
      "--through",
      through.join(","),
      "--every",
      durationText(everyMs),
    ];
    return ["release", "start", component, ...args, "--guard", guard, ...reason];
  },
};

export function askingOptions(command: Command, asking: Asking): Command {
  return changeOptions(command.argument("<id>", "the release")).action((id: string, options: ChangeOptions) =>
    ask(asking, id, options),
  );
}

async function ask(asking: Asking, id: string, options: ChangeOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const now = new Date();
    const { component, release } = await releaseNamed(installation.routingTable, id);
    const into = await versionOf(installation.catalog, { component: component.name, alias: release.into });
    const said = { who: await installation.who(), why: options.reason, at: now.toISOString() };
    await changeRouting(installation, options, {
      edit: releaseEdit(component.name, release, asking.act(release, said, { force: options.force ?? false, into })),
      what: `${asking.what} release ${id} of ${component.name}`,
      alreadySo: `release ${id} ${asking.alreadySo}`,
      details: (rows) => rows.flatMap(rowDetails),
      undo: ({ revisions }) => asking.undo(component.name, release, reasonOfUndo(revisions)),
      now,
    });
    if (asking.what !== "take back" || options.dryRun) return;
    if (release.aliasBefore !== null && release.aliasBefore !== release.version) {
      note(`${release.alias} goes back to version ${release.aliasBefore} as ${releaseActor(release)}, within a minute`);
    }
  });
}
