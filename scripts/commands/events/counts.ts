import type { Command } from "commander";
import {
  type CountedOutcome,
  countedOutcomes,
  type OutcomeCount,
} from "../../../shared/domain/deliveries/outcome-count.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { repeated } from "../terminal/repeated-option.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { type WindowOptions, windowOf, windowOptions } from "./filter-options.ts";

type CountsOptions = JsonOption & WindowOptions & { component?: string[] };

export function define(command: Command): void {
  repeated(windowOptions(command), "--component <name>", "only this component", String);
  jsonOption(command)
    .addHelpText(
      "after",
      `
Attempts by component, version and outcome, in whole minutes; with --json a line for each minute. They are counted as
they are made, and approximately: what a router counted last may be missing after it was killed. 'turnout events' lists
deliveries one by one, and exactly. Where VER is empty nothing was run.

Examples:
  $ turnout counts --component release-coordinator --since 1h
  $ turnout counts --json
`,
    )
    .action(show);
}

async function show({ json, component, ...stated }: CountsOptions): Promise<void> {
  await withInstallation(async ({ events, routingTable }) => {
    const window = windowOf(stated, new Date());
    const counts = (await events.counts(window)).filter((count) => component?.includes(count.component) ?? true);
    if (counts.length === 0) for (const name of component ?? []) await componentNamed(routingTable, name);
    if (counts.length === 0)
      return note(`nothing was counted from ${window.from.toISOString()} to ${window.to.toISOString()}`);
    if (json) return counts.forEach(printCount);
    note(`approximate counts of attempts from ${window.from.toISOString()} to ${window.to.toISOString()}`);
    const rows = byVersion(counts);
    printTable(columnsFor(rows), rows);
  });
}

function printCount({ minute, component, version, outcome, count }: OutcomeCount): void {
  const known = version === "" ? null : version;
  printJson({ minute: minute.toISOString(), component, component_version: known, outcome, count });
}

type VersionRow = { component: string; version: string; counts: Partial<Record<CountedOutcome, number>> };

function byVersion(counts: readonly OutcomeCount[]): VersionRow[] {
  const rows = new Map<string, VersionRow>();
  for (const { component, version, outcome, count } of counts) {
    const key = `${component} ${version}`;
    const row = rows.get(key) ?? { component, version, counts: {} };
    row.counts[outcome] = (row.counts[outcome] ?? 0) + count;
    rows.set(key, row);
  }
  return [...rows.values()].toSorted((a, b) =>
    a.component === b.component
      ? a.version.localeCompare(b.version, "en", { numeric: true })
      : a.component.localeCompare(b.component, "en"),
  );
}

/** Only outcomes that there were. */
function columnsFor(rows: readonly VersionRow[]): Column<VersionRow>[] {
  const outcomes = countedOutcomes.filter((outcome) => rows.some(({ counts }) => counts[outcome] !== undefined));
  return [
    { title: "COMPONENT", text: ({ component }) => component, least: 12 },
    { title: "VER", text: ({ version }) => version, alignRight: true },
    ...outcomes.map((outcome) => ({
      title: outcome.toUpperCase(),
      text: ({ counts }: VersionRow) => counts[outcome]?.toString(),
      alignRight: true,
    })),
  ];
}
