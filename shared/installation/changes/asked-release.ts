import type { Component } from "../../domain/routing/component.ts";
import { badMark } from "../../domain/routing/guard-rule.ts";
import { type Release, releaseActor, stepText } from "../../domain/routing/release.ts";
import { type ReleaseAct, releaseEdit } from "../../domain/routing/release-edit.ts";
import { rowDetails } from "../../domain/routing/row-details.ts";
import { durationText } from "../../domain/text/duration.ts";
import { releaseNamed } from "../../flows/release/find-release.ts";
import { versionOf } from "../../flows/versions/move-alias.ts";
import type { Installation } from "../installation.ts";
import type { CommandWords } from "../wording/shell-quote.ts";
import { reasonOfUndo } from "../wording/undo-commands.ts";
import type { AskedChange } from "./asked-change.ts";
import type { Saying } from "./asked-rules.ts";

type Named = Pick<Component, "name" | "badVersions">;

/** What is asked of a release, and how it is taken back. */
export type AskedOfRelease = {
  /** @param into what the alias points at now that gets the version in the end */
  act: (release: Release, said: Saying, about: { force: boolean; into: string | null }) => ReleaseAct;
  what: string;
  alreadySo: string;
  undo: (component: Named, release: Release, reason: CommandWords) => CommandWords;
};

export const pausing: AskedOfRelease = {
  act: ({ id }, said) => ({ do: "pause", id, ...said }),
  what: "pause",
  alreadySo: "is paused already",
  undo: (_, { id }, reason) => ["release", "resume", id, ...reason],
};

export const resuming: AskedOfRelease = {
  act: ({ id }, said, { force, into }) => ({ do: "resume", id, into, ...said, ...(force && { force }) }),
  what: "resume",
  alreadySo: "isn't paused",
  undo: (_, { id }, reason) => ["release", "pause", id, ...reason],
};

export const aborting: AskedOfRelease = {
  act: ({ id }, said) => ({ do: "take back", id, how: "aborted", ...said }),
  what: "take back",
  alreadySo: "is being taken back already",
  undo: startAgain,
};

/** The words that start a release once more as it was, with `--force` where it had that, or is refused without. */
export function startAgain({ name, badVersions }: Named, release: Release, more: CommandWords): CommandWords {
  const { version, alias, steps, everyMs, maxWaitMs, guard, by } = release;
  const force = release.force || badMark(badVersions, version) !== undefined;
  const through = steps.map((step) => (step.kind === "share" ? stepText(step) : stepText(step).replace(" ", ":")));
  return [
    ...["release", "start", name, "--version", version, "--alias", alias],
    ...["--through", through.join(","), "--every", durationText(everyMs)],
    ...["--guard", guard],
    ...(!maxWaitMs ? [] : ["--max-wait", durationText(maxWaitMs)]),
    ...(by === "customer" ? [] : ["--by", by]),
    ...more,
    ...(force ? ["--force"] : []),
  ];
}

/** Asks something of a release. `after`: what happens by itself once it is done, a line each. */
export async function askingOfRelease(
  { routingTable, catalog }: Pick<Installation, "routingTable" | "catalog">,
  asking: AskedOfRelease,
  { id, said, force }: { id: string; said: Saying; force: boolean },
  now: Date,
): Promise<{ asked: AskedChange; after: string[] }> {
  const { component, release } = await releaseNamed(routingTable, id);
  const into = await versionOf(catalog, { component: component.name, alias: release.into });
  const { aliasBefore, version, alias } = release;
  const goesBack = asking === aborting && aliasBefore !== null && aliasBefore !== version;
  return {
    asked: {
      edit: releaseEdit(component.name, release, asking.act(release, said, { force, into })),
      what: `${asking.what} release ${id} of ${component.name}`,
      alreadySo: `release ${id} ${asking.alreadySo}`,
      details: (rows) => rows.flatMap(rowDetails),
      undo: ({ revisions }) => asking.undo(component, release, reasonOfUndo(revisions)),
      now,
    },
    after: goesBack
      ? [`${alias} goes back to version ${aliasBefore} as ${releaseActor(release)}, within a minute`]
      : [],
  };
}
