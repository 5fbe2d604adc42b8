import type { Command } from "commander";
import { type BadVersion, badMark, badText } from "../../../shared/domain/routing/guard-rule.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import type { Version } from "../../../shared/versions/version-catalog.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";

type ListedVersion = Version & { aliases: string[]; bad: BadVersion | undefined };

export function define(command: Command): void {
  jsonOption(command.argument("<component>", "the component"))
    .addHelpText(
      "after",
      "\nOf a version that was found to be bad it says behind which alias, when and why.\n\nExample:\n  $ turnout versions release-coordinator\n",
    )
    .action(list);
}

async function list(component: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable, catalog }) => {
    const { badVersions } = await componentNamed(routingTable, component);
    const [versions, aliases] = await Promise.all([catalog.versions(component), catalog.aliases(component)]);
    const listed = versions.map((version) => ({
      ...version,
      aliases: aliases.filter((one) => one.version === version.version).map(({ alias }) => alias),
      bad: badMark(badVersions, version.version),
    }));
    if (json) for (const version of listed) printJson(toJson(version));
    else if (listed.length === 0) note(`${component} has no versions yet; publish one with 'turnout publish-version'`);
    else {
      printTable(COLUMNS, listed);
      for (const { bad } of listed) if (bad) printLine(badText(bad));
    }
  });
}

const COLUMNS: Column<ListedVersion>[] = [
  { title: "VERSION", text: ({ version }) => version, alignRight: true },
  { title: "PUBLISHED", text: ({ publishedAt }) => `${publishedAt.toISOString().slice(0, 19)}Z` },
  { title: "CODE", text: ({ codeSha256 }) => codeSha256.slice(0, 12) },
  { title: "ALIASES", text: ({ aliases }) => aliases.join(", "), least: 12, style: () => "cyan" },
  { title: "", text: ({ bad }) => (bad ? "bad" : undefined), style: () => "red" },
  { title: "DESCRIPTION", text: ({ description }) => description, least: 12 },
];

function toJson({ version, publishedAt, codeSha256, description, aliases, bad }: ListedVersion) {
  const known = { version, published_at: publishedAt.toISOString(), code_sha256: codeSha256, description, aliases };
  return { ...known, bad: badJson(bad) };
}

/** What was found of a version, as JSON; null for one of which nothing was. */
export function badJson(bad: BadVersion | undefined): object | null {
  return bad === undefined ? null : { alias: bad.alias, at: bad.at, why: bad.why };
}
