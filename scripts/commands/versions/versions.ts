import type { Command } from "commander";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import type { Version } from "../../../shared/versions/version-catalog.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";

type ListedVersion = Version & { aliases: string[] };

export function define(command: Command): void {
  jsonOption(command.argument("<component>", "the component"))
    .addHelpText("after", "\nExample:\n  $ turnout versions release-coordinator\n")
    .action(list);
}

async function list(component: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable, catalog }) => {
    await componentNamed(routingTable, component);
    const [versions, aliases] = await Promise.all([catalog.versions(component), catalog.aliases(component)]);
    const listed = versions.map((version) => ({
      ...version,
      aliases: aliases.filter((one) => one.version === version.version).map(({ alias }) => alias),
    }));
    if (json) for (const version of listed) printJson(toJson(version));
    else if (listed.length === 0) note(`${component} has no versions yet; publish one with 'turnout publish-version'`);
    else printTable(COLUMNS, listed);
  });
}

const COLUMNS: Column<ListedVersion>[] = [
  { title: "VERSION", text: ({ version }) => version, alignRight: true },
  { title: "PUBLISHED", text: ({ publishedAt }) => `${publishedAt.toISOString().slice(0, 19)}Z` },
  { title: "CODE", text: ({ codeSha256 }) => codeSha256.slice(0, 12) },
  { title: "ALIASES", text: ({ aliases }) => aliases.join(", "), least: 12, style: () => "cyan" },
  { title: "DESCRIPTION", text: ({ description }) => description, least: 12 },
];

function toJson({ version, publishedAt, codeSha256, description, aliases }: ListedVersion) {
  return { version, published_at: publishedAt.toISOString(), code_sha256: codeSha256, description, aliases };
}
