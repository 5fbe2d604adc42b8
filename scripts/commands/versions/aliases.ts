import type { Command } from "commander";
import { outsidePeriod } from "../../../shared/domain/routing/period.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import { subjectLevels } from "../../../shared/domain/subject.ts";
import { own } from "../../../shared/domain/text/schema.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";

type ListedAlias = { alias: string; version: string | null; pinned: number; marks: string[] };

export function define(command: Command): void {
  jsonOption(command.argument("<component>", "the component"))
    .addHelpText("after", "\nExample:\n  $ turnout aliases release-coordinator\n")
    .action(list);
}

async function list(name: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable, catalog }) => {
    const component = await componentNamed(routingTable, name);
    const standing = new Map((await catalog.aliases(name)).map((one) => [one.alias, one]));
    const pinned = await pinnedTo(routingTable, name, new Date());
    const aliases = Object.entries(component.aliases).map(([alias, { retired }]): ListedAlias => {
      const marks = [
        ...(alias === component.defaultAlias ? ["default"] : []),
        ...(alias === component.fallbackAlias ? ["fallback"] : []),
        ...(retired ? ["retired"] : []),
        ...Object.entries(standing.get(alias)?.alsoTo ?? {}).map(
          ([version, share]) => `${share * 100} % to ${version}`,
        ),
      ];
      return { alias, version: standing.get(alias)?.version ?? null, pinned: pinned.get(alias) ?? 0, marks };
    });
    if (json) for (const alias of aliases) printJson(toJson(alias));
    else if (aliases.length === 0) note(`${name} has no aliases`);
    else printTable(COLUMNS, aliases);
  });
}

/** How many subjects have a pin to each alias that counts now. Reads every subject once. */
async function pinnedTo(table: RoutingTable, component: string, now: Date): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const level of subjectLevels) {
    for await (const { row } of table.subjects(level)) {
      const pin = own(readable(row)?.pins ?? {}, component);
      if (pin === undefined || outsidePeriod(pin, now) !== undefined) continue;
      counts.set(pin.alias, (counts.get(pin.alias) ?? 0) + 1);
    }
  }
  return counts;
}

const COLUMNS: Column<ListedAlias>[] = [
  { title: "ALIAS", text: ({ alias }) => alias, least: 12 },
  { title: "VERSION", text: ({ version }) => version ?? "none", alignRight: true },
  { title: "PINNED", text: ({ pinned }) => String(pinned), alignRight: true },
  { title: "", text: ({ marks }) => marks.join(", "), style: () => "dim" },
];

function toJson({ alias, version, pinned, marks }: ListedAlias) {
  return {
    alias,
    version,
    pinned_subjects: pinned,
    default: marks.includes("default"),
    fallback: marks.includes("fallback"),
    retired: marks.includes("retired"),
  };
}
