import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { plural } from "../../../shared/domain/text/plural.ts";
import { refuseFrozen } from "../../../shared/flows/change/standing-guardrails.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import {
  collectionText,
  collectVersions,
  type Keeper,
  type KeptVersion,
  keptVersions,
  unneeded,
} from "../../../shared/flows/versions/kept-versions.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { confirm } from "../terminal/confirm.ts";
import { commandAsTyped, withInstallation } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import { type ChangeOptions, changeOptions, duration, wholeNumber } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { expectedHead } from "./move-alias.ts";

type GcOptions = ChangeOptions & { keep: number; since: number };

const HOUR_MS = 3_600_000;

export function define(command: Command): void {
  command
    .argument("<component>", "the component")
    .option(
      "--keep <n>",
      "promoted versions kept for rollbacks of each alias (default: 5)",
      wholeNumber("--keep", 0),
      5,
    )
    .option(
      "--since <duration>",
      "how far back open deliveries are looked for (default: 1h)",
      duration("--since"),
      HOUR_MS,
    );
  changeOptions(command)
    .addHelpText(
      "after",
      `
A version is kept while it is the newest, an alias points at it, a rollback may
go to it, a delivery that isn't at rest has run on it, a replay names it, or a
release brings it to everybody or would go back to it. The others are deleted for good, which the change log tells. What a publication has left that was
killed more than an hour ago goes too.

Examples:
  $ turnout gc release-coordinator --reason "the month's end" --dry-run
  $ turnout gc release-coordinator --keep 2 --reason "too many versions" --yes
`,
    )
    .action(collect);
}

async function collect(name: string, options: GcOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const now = new Date();
    const head = await expectedHead(installation.routingTable, options);
    await componentNamed(installation.routingTable, name);
    if (!options.dryRun) await removeAbandoned(installation, name, now);
    const window = { from: new Date(now.getTime() - options.since), to: new Date(now.getTime() + 1) };
    const versions = await keptVersions(installation, name, { promoted: options.keep, window }, now);
    if (!options.json && versions.length > 0) printTable(COLUMNS, versions);
    if (unneeded(versions).length === 0) {
      tell(versions, [], options);
      return note(`nothing to delete: each of ${plural(versions.length, "version")} of ${name} is needed`);
    }
    const what = collectionText({ component: name, versions });
    if (!options.json || !options.yes) note(`${what}  (routing is at revision ${head})`);
    await refuseFrozen(installation.routingTable, options.force ?? false);
    if (options.dryRun) {
      tell(versions, [], options);
      return note("dry run: nothing was deleted");
    }
    await confirm("Delete them for good?", options.yes ?? false);
    const { revision, deleted } = await collectVersions(
      { ...installation, newId: randomUUID },
      {
        component: name,
        versions,
        who: await installation.who(),
        why: options.reason,
        command: commandAsTyped(),
        at: new Date(),
        force: options.force ?? false,
        ...(options.expectRevision === undefined ? {} : { expectedRevision: options.expectRevision }),
      },
    );
    const kept = unneeded(versions).filter(({ version }) => !deleted.includes(version));
    for (const { version } of kept) note(`version ${version} was kept: an alias points at it by now`);
    tell(versions, deleted, options);
    if (!options.json) printLine(`revision ${revision}: deleted ${plural(deleted.length, "version")} of ${name}`);
    note("no undo: publish the code again if it is needed");
    if (kept.length > 0) endPartlyDone();
  });
}

/** What a killed publication leaves is no version: nobody is asked about it, and the change log doesn't tell of it. */
async function removeAbandoned({ versions }: Installation, component: string, now: Date): Promise<void> {
  const removed = versions.from === "folders" ? await versions.catalog.removeAbandoned(component, now) : 0;
  if (removed > 0) note(`removed what ${plural(removed, "publication")} had left that was killed`);
}

function tell(versions: readonly KeptVersion[], deleted: readonly string[], { json, dryRun }: GcOptions): void {
  if (!json) return;
  for (const { version, publishedAt, keptBy } of versions) {
    const isDeleted = deleted.includes(version);
    printJson({
      version,
      published_at: publishedAt.toISOString(),
      kept_by: keptBy.map(keeperText),
      deleted: isDeleted,
      dry_run: dryRun ?? false,
    });
  }
}

const COLUMNS: Column<KeptVersion>[] = [
  { title: "VERSION", text: ({ version }) => version, alignRight: true },
  { title: "PUBLISHED", text: ({ publishedAt }) => `${publishedAt.toISOString().slice(0, 19)}Z` },
  { title: "KEPT BY", text: ({ keptBy }) => keptBy.map(keeperText).join(", ") || "nothing", least: 16 },
  { title: "DESCRIPTION", text: ({ description }) => description, least: 12 },
];

function keeperText(keeper: Keeper): string {
  switch (keeper.by) {
    case "newest":
      return "newest";
    case "alias":
      return keeper.alias;
    case "rollback":
      return `rollback of ${keeper.alias}`;
    case "move":
      return `a move of ${keeper.alias}`;
    case "open deliveries":
      return plural(keeper.count, "open delivery");
    case "replay":
      return `replay ${keeper.replay}`;
    case "release":
      return `release ${keeper.release}`;
  }
}
