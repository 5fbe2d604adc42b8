import { type Command, Option } from "commander";
import { type CountedOutcome, countedOutcomes } from "../../../shared/domain/deliveries/outcome-count.ts";
import { addedUp, type Counts, type DeliveryCount } from "../../../shared/domain/health/delivery-count.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { healthOf } from "../../../shared/flows/watch/health.ts";
import { readCounts } from "../../../shared/flows/watch/read-counts.ts";
import { sampledExposures } from "../../../shared/flows/watch/sampled-exposures.ts";
import { slicesOf } from "../../../shared/flows/watch/slices.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { repeated } from "../terminal/repeated-option.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { shownSlices, sliceColumns, sliceJson } from "../wording/slice-rows.ts";
import { type WindowOptions, windowOf, windowOptions } from "./filter-options.ts";

/** What is counted as it is made, and whom it is about, which is told from failures and a sample of all. */
const countedBy = ["alias", "type", "error"] as const;
const toldBy = ["customer", "project", "plan", "user"] as const;
type Dimension = (typeof countedBy)[number] | (typeof toldBy)[number];

type CountsOptions = JsonOption & WindowOptions & { component?: string[]; by?: Dimension };

export function define(command: Command): void {
  repeated(windowOptions(command), "--component <name>", "only this component", String).addOption(
    new Option("--by <dimension>", "a line for each of them").choices([...countedBy, ...toldBy]),
  );
  jsonOption(command)
    .addHelpText(
      "after",
      `
A line for each component and version, and a column for each outcome that there
was:
  DONE         delivered
  ACCEPTED     taken by an asynchronous version, which says later how it ended
  FAILED       failed, and tried again
  DEAD         failed, and given up
  POSTPONED    not tried: its version fails for everybody, or has no room
  DUPLICATE    an event that had come before; not run again
  REDELIVERED  a message that its queue gave out twice; not run again
  REJECTED     an event whose key had come with another payload; not run
Where VER is empty nothing was run. By error it is the first attempts that
failed which are counted, by the error's type and message without ids, numbers
and quotes. By customer, project, plan and user first attempts are told as
'turnout health --by' does: from failures that are listed, and a sample.

Minutes are whole: one that the window touches is counted. Attempts are counted
as they are made and stored within 5 s, so that what a router counted last may
be missing after it was killed. 'turnout events' lists deliveries one by one,
and exactly; 'turnout health' judges versions by the same counts. With --json
there is a line for each minute (or hour, of a window of over three), alias,
event type and outcome, and one with 'first_attempts' and how many of them
'failed'.

Examples:
  $ turnout counts --component release-coordinator --since 1h
  $ turnout counts --by error --since 15m
  $ turnout counts --json
`,
    )
    .action(show);
}

async function show({ by, ...options }: CountsOptions): Promise<void> {
  const subject = toldBy.find((one) => one === by);
  const counted = countedBy.find((one) => one === by);
  if (subject !== undefined) await showSubjects(options, subject);
  else await showCounts(options, counted);
}

/** By whom they are about: the failures that are listed, and what a sample says of the others. */
async function showSubjects({ json, component, ...stated }: CountsOptions, by: (typeof toldBy)[number]): Promise<void> {
  await withInstallation(async ({ events, routingTable, catalog }) => {
    const now = new Date();
    const window = windowOf(stated, now);
    for (const name of component ?? []) await componentNamed(routingTable, name);
    const health = await healthOf({ events, routingTable, catalog }, { window }, now);
    const versions = health.versions.filter((version) => component?.includes(version.component) ?? true);
    const exposures = await sampledExposures(events, health.window, now, Math.random);
    const slices = versions.flatMap((version) => shownSlices(slicesOf(version, by, exposures), by));
    note(`first attempts from ${health.window.from.toISOString()} to ${health.window.to.toISOString()}`);
    note("the failed of those that are listed, up to 100 per version, minute and router; ~ by a sample of the events");
    if (slices.length === 0) return note("there was none");
    if (json) slices.map(sliceJson).forEach(printJson);
    else printTable(sliceColumns(by), slices);
  });
}

async function showCounts(
  { json, component, ...stated }: CountsOptions,
  by: (typeof countedBy)[number] | undefined,
): Promise<void> {
  await withInstallation(async ({ events, routingTable }) => {
    const window = windowOf(stated, new Date());
    const read = await readCounts(events, window);
    const counts = read.counts.filter((count) => component?.includes(count.component) ?? true);
    if (counts.length === 0) for (const name of component ?? []) await componentNamed(routingTable, name);
    const period = `from ${window.from.toISOString()} to ${window.to.toISOString()}`;
    if (read.dropped > 0) note(`${read.dropped} more were counted, and couldn't be stored`);
    if (counts.length === 0) return note(`nothing was counted ${period}`);
    if (json) return counts.flatMap(linesOf).forEach(printJson);
    note(`approximate counts of attempts ${period}`);
    if (by === "error") return printErrors(counts);
    const rows = rowsOf(counts, by);
    printTable(columnsFor(rows, by), rows);
  });
}

function linesOf({ at, component, version, alias, type, ...counts }: DeliveryCount): object[] {
  const key = { minute: at.toISOString(), component, component_version: version === "" ? null : version };
  const about = { ...key, alias: alias === "" ? null : alias, event_type: type === "" ? null : type };
  return [
    ...[...counts.outcomes].map(([outcome, count]) => ({ ...about, outcome, count })),
    ...(counts.firsts > 0 ? [{ ...about, first_attempts: counts.firsts, failed: counts.failed }] : []),
    ...[...counts.errors].map(([error, count]) => ({ ...about, error, count })),
  ];
}

type Row = { component: string; version: string; value: string } & Counts;

function rowsOf(counts: readonly DeliveryCount[], by: "alias" | "type" | undefined): Row[] {
  const textOf = (count: DeliveryCount) => (by === undefined ? "" : count[by]);
  const groups = Map.groupBy(counts, (count) => JSON.stringify([count.component, count.version, textOf(count)]));
  const rows = [...groups.values()].flatMap(([first, ...others]): Row[] => {
    if (first === undefined) return [];
    const { component, version } = first;
    return [{ component, version, value: textOf(first), ...addedUp([first, ...others]) }];
  });
  return rows.toSorted(
    (a, b) =>
      a.component.localeCompare(b.component, "en") ||
      a.version.localeCompare(b.version, "en", { numeric: true }) ||
      a.value.localeCompare(b.value, "en"),
  );
}

/** Only outcomes that there were. */
function columnsFor(rows: readonly Row[], by: Dimension | undefined): Column<Row>[] {
  const outcomes = countedOutcomes.filter((outcome) => rows.some((row) => row.outcomes.has(outcome)));
  return [
    { title: "COMPONENT", text: ({ component }) => component, least: 12 },
    { title: "VER", text: ({ version }) => version, alignRight: true },
    ...(by === undefined ? [] : [{ title: by.toUpperCase(), text: ({ value }: Row) => value, least: 12 }]),
    ...outcomes.map((outcome: CountedOutcome) => ({
      title: outcome.toUpperCase(),
      text: (row: Row) => row.outcomes.get(outcome)?.toString(),
      alignRight: true,
    })),
  ];
}

type ErrorRow = { component: string; version: string; error: string; count: number };

function printErrors(counts: readonly DeliveryCount[]): void {
  const rows = rowsOf(counts, undefined).flatMap(({ component, version, errors }) =>
    [...errors].map(([error, count]): ErrorRow => ({ component, version, error, count })),
  );
  if (rows.length === 0) note("no first attempt has failed");
  else
    printTable<ErrorRow>(
      [
        { title: "COMPONENT", text: ({ component }) => component, least: 12 },
        { title: "VER", text: ({ version }) => version, alignRight: true },
        { title: "FAILED", text: ({ count }) => String(count), alignRight: true },
        { title: "ERROR", text: ({ error }) => error, least: 24 },
      ],
      rows.toSorted((a, b) => b.count - a.count),
    );
}
