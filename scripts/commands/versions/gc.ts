import { randomUUID } from "node:crypto";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { refuseFrozen } from "../../../shared/flows/change/standing-guardrails.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { confirm } from "../terminal/confirm.ts";
import { commandAsTyped, withInstallation } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import { duration, type MutationOptions, mutationOptions, wholeNumber } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { type KeptVersion, keptVersions } from "./kept-versions.ts";
import { expectedHead } from "./move-alias.ts";

type GcOptions = MutationOptions & { keep: number; since: number };

const HOUR_MS = 3_600_000;

/** How often another change may come first. */
const MAX_LOST_RACES = 20;

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
  mutationOptions(command)
    .addHelpText(
      "after",
      `
A version is kept while it is the newest, an alias points at it, a rollback may go to
it, a delivery that isn't at rest has run on it, or a replay names it. The others are
deleted for good, which the change log tells.

Examples:
  $ turnout gc release-coordinator --reason "the month's end" --dry-run
  $ turnout gc release-coordinator --keep 2 --reason "too many versions" --yes
`,
    )
    .action(collect);
}

async function collect(name: string, options: GcOptions): Promise<void> {
  await withInstallation(async (state) => {
    const now = new Date();
    const head = await expectedHead(state.routingTable, options);
    const component = await componentNamed(state.routingTable, name);
    const window = { from: new Date(now.getTime() - options.since), to: new Date(now.getTime() + 1) };
    const versions = await keptVersions(state, component, { promoted: options.keep, window }, now);
    const unneeded = versions.filter(({ keptBy }) => keptBy.length === 0);
    if (!options.json && versions.length > 0) printTable(COLUMNS, versions);
    if (unneeded.length === 0) {
      tell(versions, [], options);
      return note(`nothing to delete: each of ${plural(versions.length, "version")} of ${name} is needed`);
    }
    const named = unneeded.map(({ version }) => version).join(", ");
    const what = `delete ${plural(unneeded.length, "version")} of ${name}, of ${versions.length}: ${named}`;
    if (!options.json || !options.yes) note(`${what}  (routing is at revision ${head})`);
    await refuseFrozen(state.routingTable, options.force ?? false);
    if (options.dryRun) {
      tell(versions, [], options);
      return note("dry run: nothing was deleted");
    }
    await confirm("Delete them for good?", options.yes ?? false);
    const revision = await logged(state, `${options.reason} (${what})`, options);
    const deleted = await deleteAll(state, name, unneeded);
    tell(versions, deleted, options);
    if (!options.json) printLine(`revision ${revision}: deleted ${plural(deleted.length, "version")} of ${name}`);
    note("no undo: publish the code again if it is needed");
    if (deleted.length < unneeded.length) endPartlyDone();
  });
}

/** Before anything is deleted: the log may tell of what then wasn't, but nothing is deleted without its word. */
async function logged({ routingTable, who }: Installation, why: string, options: GcOptions): Promise<number> {
  const change = { changeId: randomUUID(), at: new Date(), who: await who(), why, command: commandAsTyped(), rows: [] };
  for (let race = 0; race < MAX_LOST_RACES; race++) {
    const result = await routingTable.commit(change, await expectedHead(routingTable, options));
    if (result.committed) return result.revision;
  }
  throw new TurnoutError(
    "conflict",
    `Other changes came first ${MAX_LOST_RACES} times in a row. Nothing was deleted. Try again when it is quieter.`,
  );
}

async function deleteAll({ catalog }: Installation, name: string, versions: readonly KeptVersion[]): Promise<string[]> {
  const deleted: string[] = [];
  for (const { version } of versions) {
    if (await catalog.removeVersion(name, version)) deleted.push(version);
    else note(`version ${version} was kept: an alias points at it by now`);
  }
  return deleted;
}

function tell(versions: readonly KeptVersion[], deleted: readonly string[], { json, dryRun }: GcOptions): void {
  if (!json) return;
  for (const { version, publishedAt, keptBy } of versions) {
    const isDeleted = deleted.includes(version);
    printJson({
      version,
      published_at: publishedAt.toISOString(),
      kept_by: keptBy,
      deleted: isDeleted,
      dry_run: dryRun ?? false,
    });
  }
}

const COLUMNS: Column<KeptVersion>[] = [
  { title: "VERSION", text: ({ version }) => version, alignRight: true },
  { title: "PUBLISHED", text: ({ publishedAt }) => `${publishedAt.toISOString().slice(0, 19)}Z` },
  { title: "KEPT BY", text: ({ keptBy }) => keptBy.join(", ") || "nothing", least: 16 },
  { title: "DESCRIPTION", text: ({ description }) => description, least: 12 },
];
