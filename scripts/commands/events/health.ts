import { setTimeout as delay } from "node:timers/promises";
import { type Command, Option } from "commander";
import { quantileMs } from "../../../shared/domain/health/duration-buckets.ts";
import { type Health, healthOf, type VersionHealth } from "../../../shared/flows/watch/health.ts";
import { msText, percent, standingOn, standingText, unresolvedText } from "../../../shared/flows/watch/health-told.ts";
import { sampledExposures } from "../../../shared/flows/watch/sampled-exposures.ts";
import { type Dimension, dimensions, isOfSubject, type Slice, slicesOf } from "../../../shared/flows/watch/slices.ts";
import { type Standing, standingSubjects } from "../../../shared/flows/watch/standing-subjects.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { withInstallation } from "../terminal/context.ts";
import { endFailed } from "../terminal/exit-codes.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { shownSlices, sliceColumns, sliceJson } from "../wording/slice-rows.ts";
import { type WindowOptions, windowOf, windowOptions } from "./filter-options.ts";

type HealthOptions = JsonOption & WindowOptions & { by?: Dimension; watch?: true };

/** How often it is looked again with --watch. */
const WATCH_MS = 5_000;

export function define(command: Command): void {
  windowOptions(command.argument("[component]", "only this component"))
    .addOption(new Option("--by <dimension>", "a line for each of them").choices(dimensions))
    .option("--watch", "looks again every 5 s; Ctrl-C ends it");
  jsonOption(command)
    .addHelpText(
      "after",
      `
A line per component and version, by the first attempts of live deliveries: a
retry says nothing new about a version, and what a replay delivers has been run
before. Whole minutes; a router stores its counts every 5 s.
  ERR%        first attempts that failed
  P50, P95    how long first attempts took, from counts in buckets
  SUBJECTS    customers, and projects and users without one, of the directory
              whose events go to it now; 'rest' is everybody else, '5%' the
              rollout's share of them, and '≥' says that there are more
  UNRESOLVED  of the failures: dead, and not made good since; '+' where there
              are more failures than could be looked at
  AFFECTED    customers whose first attempts failed
  TOP ERROR   the most frequent one, without ids, numbers and quotes; 'first
              seen on' when no other version has shown it in the last 7 days
  VERDICT     warn: it fails more often than stable does at the same time, and
              than the same alias did before; where only one of these can be
              told, by that one; where neither can, more than one in five is too
              much. A healthy version is called so in at most 1 of 100 windows.
              too few: something failed, for too few customers or too seldom to
              say anything of the version
By customer, project, plan and user the failed are exact up to 100 per version,
minute and router, and what was tried (~) is told from some 2,000 of the
window's events.

Exit code: 1 if a version's verdict isn't ok.

Examples:
  $ turnout health
  $ turnout health release-coordinator --by customer --since 15m --watch
`,
    )
    .action(show);
}

async function show(component: string | undefined, options: HealthOptions): Promise<void> {
  await withInstallation(async (installation) => {
    for (;;) {
      await look(installation, component, options);
      if (!options.watch) return;
      await delay(WATCH_MS);
    }
  });
}

async function look(
  { events, routingTable, catalog }: Installation,
  component: string | undefined,
  { json, by, watch: _, ...stated }: HealthOptions,
): Promise<void> {
  const now = new Date();
  const asked = { window: windowOf(stated, now), ...(component !== undefined && { component }) };
  const health = await healthOf({ events, routingTable, catalog }, asked, now);
  if (by !== undefined) {
    const slices = await slicesIn(health, by, () => sampledExposures(events, health.window, now, Math.random));
    if (json) slices.map(sliceJson).forEach(printJson);
    else printSlices(health, by, slices);
  } else {
    const standing = await standingSubjects(
      routingTable,
      [...new Set(health.versions.map((one) => one.component))],
      now,
    );
    const versions = health.versions.map((version) => ({ ...version, standing: standingOn(version, standing) }));
    if (json) versions.map(versionJson).forEach(printJson);
    else printVersions(health, versions);
  }
  if (health.versions.some(({ verdict }) => verdict.level !== "ok")) endFailed();
}

async function slicesIn(
  { versions }: Health,
  by: Dimension,
  sample: () => ReturnType<typeof sampledExposures>,
): Promise<Slice[]> {
  const exposures = isOfSubject(by) ? await sample() : [];
  return versions.flatMap((version) => shownSlices(slicesOf(version, by, exposures), by));
}

function printSlices(health: Health, by: Dimension, slices: readonly Slice[]): void {
  tell(health);
  if (slices.length > 0) printTable(sliceColumns(by), slices);
}

type Version = VersionHealth & { standing: Standing };

function printVersions(health: Health, versions: readonly Version[]): void {
  tell(health);
  printTable(COLUMNS, versions);
}

function tell({ window, versions, dropped }: Health): void {
  note(`first attempts from ${window.from.toISOString()} to ${window.to.toISOString()}`);
  if (dropped > 0) note(`${dropped} more deliveries were counted, and couldn't be stored`);
  for (const { component, version, counts, failures } of versions) {
    const left = counts.failed - failures.length;
    if (left > 0)
      note(`${component} ${version}: ${left} of its ${counts.failed} failures are counted, and not told apart`);
  }
  if (!versions.some(({ counts }) => counts.firsts > 0)) note("there was none");
}

const COLUMNS: Column<Version>[] = [
  { title: "COMPONENT", text: ({ component }) => component, least: 10 },
  { title: "VER", text: ({ version }) => (version === "" ? "?" : version), alignRight: true },
  { title: "ALIASES", text: ({ aliases }) => aliases.join(", "), least: 8 },
  { title: "SUBJECTS", text: ({ standing }) => standingText(standing), alignRight: true, optional: 5 },
  { title: "FIRSTS", text: ({ counts }) => String(counts.firsts), alignRight: true },
  { title: "/MIN", text: ({ perMinute }) => perMinute.toFixed(1), alignRight: true, optional: 3 },
  { title: "ERR%", text: ({ counts }) => percent(counts.failed, counts.firsts), alignRight: true },
  { title: "P50", text: ({ counts }) => msText(quantileMs(counts.durations, 0.5)), alignRight: true, optional: 4 },
  { title: "P95", text: ({ counts }) => msText(quantileMs(counts.durations, 0.95)), alignRight: true, optional: 2 },
  { title: "UNRESOLVED", text: unresolvedText, alignRight: true },
  { title: "AFFECTED", text: ({ customersAffected: n }) => (n === 0 ? "" : String(n)), alignRight: true, optional: 1 },
  {
    title: "VERDICT",
    text: ({ verdict, counts }) => (counts.firsts === 0 ? "" : verdict.isTooFew ? "too few" : verdict.level),
    style: ({ verdict }) => (verdict.isTooFew ? "yellow" : verdict.level === "ok" ? "green" : "red"),
  },
  { title: "TOP ERROR", text: topErrorText, least: 16, cutFirst: true },
];

function topErrorText({ topError, version }: VersionHealth): string | undefined {
  if (topError === undefined) return undefined;
  const { error, count, isNew } = topError;
  return `${count} × ${error}${isNew ? ` (first seen on ${version === "" ? "?" : version})` : ""}`;
}

function versionJson(health: Version): object {
  const { component, version, aliases, standing, counts, perMinute, unresolved, customersAffected, topError, verdict } =
    health;
  return {
    component,
    component_version: version === "" ? null : version,
    aliases,
    /** Customers, and projects and users without one, of the directory; with the share of all others, or all of these. */
    subjects: standing.named,
    subjects_are_more: standing.isMore,
    others_share: standing.hasOthers ? null : standing.basisPoints / 10_000,
    takes_others: standing.hasOthers,
    first_attempts: counts.firsts,
    failed: counts.failed,
    error_rate: counts.firsts === 0 ? null : counts.failed / counts.firsts,
    first_attempts_per_minute: perMinute,
    p50_ms: quantileMs(counts.durations, 0.5) ?? null,
    p95_ms: quantileMs(counts.durations, 0.95) ?? null,
    retries: counts.retries,
    replayed: counts.replayed,
    unresolved,
    customers_affected: customersAffected,
    failures_listed: health.failures.length,
    top_error:
      topError === undefined
        ? null
        : { error: topError.error, count: topError.count, first_seen: topError.isNew ? version : null },
    verdict: verdict.level,
    too_few_failures: verdict.isTooFew,
    worse_than_stable: verdict.worseThanStable ?? null,
    worse_than_before: verdict.worseThanBefore ?? null,
  };
}
