import type { Command } from "commander";
import { badText } from "../../../shared/domain/routing/guard-rule.ts";
import { type ListedAlias, listAliases } from "../../../shared/flows/versions/list-aliases.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { badJson } from "./versions.ts";

export function define(command: Command): void {
  jsonOption(command.argument("<component>", "the component"))
    .addHelpText(
      "after",
      "\nOf a version that was found to be bad it says behind which alias, when and why.\n\nExample:\n  $ turnout aliases release-coordinator\n",
    )
    .action(list);
}

async function list(name: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async (installation) => {
    const aliases = await listAliases(installation, name, new Date());
    if (json) for (const alias of aliases) printJson(toJson(alias));
    else if (aliases.length === 0) note(`${name} has no aliases`);
    else {
      printTable(COLUMNS, aliases);
      for (const { alias, bad } of aliases) if (bad) printLine(`${alias}: ${badText(bad)}`);
    }
  });
}

function marks({ isDefault, isFallback, isRetired, alsoTo, bad }: ListedAlias): string[] {
  return [
    ...(bad ? ["bad"] : []),
    ...(isDefault ? ["default"] : []),
    ...(isFallback ? ["fallback"] : []),
    ...(isRetired ? ["retired"] : []),
    ...Object.entries(alsoTo).map(([version, share]) => `${share * 100} % to ${version}`),
  ];
}

const COLUMNS: Column<ListedAlias>[] = [
  { title: "ALIAS", text: ({ alias }) => alias, least: 12 },
  { title: "VERSION", text: ({ version }) => version ?? "none", alignRight: true },
  { title: "PINNED", text: ({ pinned }) => String(pinned), alignRight: true },
  { title: "", text: (alias) => marks(alias).join(", "), style: ({ bad }) => (bad ? "red" : "dim") },
];

function toJson({ alias, version, pinned, isDefault, isFallback, isRetired, bad }: ListedAlias) {
  const is = { default: isDefault, fallback: isFallback, retired: isRetired };
  return { alias, version, pinned_subjects: pinned, ...is, bad: badJson(bad) };
}
