import type { Command } from "commander";
import { movedText } from "../../../shared/domain/routing/alias-move.ts";
import type { ChangeFilter } from "../../../shared/domain/routing/change-filter.ts";
import type { ChangeLogEntry } from "../../../shared/domain/routing/routing-change.ts";
import { ruleWords } from "../../../shared/domain/routing/rule-words.ts";
import { subjectLevels } from "../../../shared/domain/subject.ts";
import { readHistory } from "../../../shared/flows/change/change-log.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { withInstallation } from "../terminal/context.ts";
import {
  duration,
  type JsonOption,
  jsonOption,
  statedWindow,
  subjectId,
  time,
  wholeNumber,
} from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { repeated } from "../terminal/repeated-option.ts";
import { type Column, tablePrinter } from "../terminal/table.ts";
import { defineShow } from "./history-show.ts";
import { changeJson, undoOfChange } from "./logged-change.ts";

type HistoryOptions = JsonOption & ChangeFilter & { since?: number; limit?: number };

export function define(command: Command): void {
  command
    .option("--since <duration>", "how far back from --to, e.g. 15m, 2h, 3d (default: all)", duration("--since"))
    .option("--from <time>", "from when, ISO 8601, UTC unless it says otherwise", time("--from"))
    .option("--to <time>", "until when (default: now)", time("--to"));
  repeated(command, "--component <name>", "only changes of this component and of pins of it", String);
  for (const level of subjectLevels) {
    repeated(command, `--${level} <id>`, `only changes of this ${level}`, subjectId(`--${level}`));
  }
  repeated(command, "--who <name>", "only changes by this user, or by the identity whose ARN ends with /name", String);
  command.option("--limit <n>", "only the newest n", wholeNumber("--limit", 1));
  jsonOption(command)
    .addHelpText(
      "after",
      `
One line per change of the routing, the newest last, with the command that takes
it back. 'history show' tells all of one: its rows before and after, too, which
--json has of each. The move of an alias has two changes: intended, and then
settled, or abandoned when the alias was not moved after all.

Examples:
  $ turnout history --since 1d --component release-coordinator
  $ turnout history --customer acme --limit 5
  $ turnout history show 42
`,
    )
    .action(list);
  defineShow(command);
}

async function list({ json, since, from, to, limit, ...filter }: HistoryOptions): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    await printChanges(routingTable, { ...filter, ...period(since, from, to) }, limit, json ?? false);
  });
}

/** A line per change that the filter lets through, the newest last. */
export async function printChanges(
  table: RoutingTable,
  filter: ChangeFilter,
  limit: number | undefined,
  json: boolean,
): Promise<void> {
  const printer = tablePrinter(COLUMNS);
  let count = 0;
  for await (const page of readHistory(table, filter, limit)) {
    count += page.length;
    if (!json) printer.print(page);
    else for (const change of page) printJson(changeJson(change));
  }
  printer.end();
  if (count === 0) note("no changes");
}

/** Unlike a window of events, no beginning means from the first change on. */
function period(since: number | undefined, from: Date | undefined, to: Date | undefined): ChangeFilter {
  if (since === undefined && from === undefined) return to === undefined ? {} : { to };
  return statedWindow({ since, from, to }, new Date());
}

const COLUMNS: Column<ChangeLogEntry>[] = [
  { title: "REVISION", text: ({ revision }) => String(revision), alignRight: true },
  {
    title: "TIME",
    text: ({ at, unreadable }) => (unreadable === undefined ? `${at.toISOString().slice(0, 19)}Z` : "can't be read"),
  },
  { title: "WHO", text: ({ who }) => who, least: 6 },
  { title: "ROWS", text: ({ rows }) => String(rows.length), alignRight: true, optional: 3 },
  { title: "FORCED", text: ({ forced }) => (forced ? "forced" : undefined), style: () => "red" },
  { title: "MOVED", text: ({ move }) => move && movedText(move), least: 24 },
  { title: "WHAT", text: ({ rows }) => ruleWords(rows).join("; ") || undefined, least: 24 },
  { title: "WHY", text: ({ why }) => why, least: 12 },
  { title: "COMMAND", text: ({ command }) => command, least: 20, optional: 2 },
  {
    title: "UNDO",
    text: (change) => undoOfChange(change) ?? undefined,
    optional: 1,
  },
];
