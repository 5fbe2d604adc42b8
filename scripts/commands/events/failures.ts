import type { Command } from "commander";
import type { FailureFilter } from "../../../shared/domain/health/failure-levers.ts";
import { traitText } from "../../../shared/domain/health/trait.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import {
  type ExplainedFailures,
  explainFailures,
  type FailuresExplained,
  MOST_COMPARED,
  type SeenError,
} from "../../../shared/flows/watch/explain-failures.ts";
import { type FailingVersion, failingVersions } from "../../../shared/flows/watch/failing-versions.ts";
import { percent } from "../../../shared/flows/watch/health-told.ts";
import { wholeMinutes } from "../../../shared/flows/watch/read-counts.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { labelled } from "../../../shared/installation/wording/explanation-rows.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { withInstallation } from "../terminal/context.ts";
import { aliasName, type JsonOption, jsonOption, subjectId, usage, wholeNumber } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { filterWords, type WindowOptions, windowOf, windowOptions } from "./filter-options.ts";

type FailuresOptions = JsonOption & WindowOptions & FailureFilter & { compare: number };

export function define(command: Command): void {
  windowOptions(command.argument("[component]", "the component; without, those that have any failures"))
    .option("--version <version>", "only what this version ran")
    .option("--alias <name>", "only what this alias handled", aliasName("--alias"))
    .option("--user <id>", "only events of this user", subjectId("--user"))
    .option("--project <id>", "only events of this project", subjectId("--project"))
    .option("--customer <id>", "only events of this customer", subjectId("--customer"))
    .option("--plan <id>", "only events of projects on this plan", subjectId("--plan"))
    .option("--compare <failures>", "compare no more than the newest of them", comparedFailures, MOST_COMPARED);
  jsonOption(command)
    .addHelpText(
      "after",
      `
What first attempts that failed have in common, and others at the same time have
not: customer, project, user, plan, type, version, alias, rule, and whatever the
events say, by path (what stands in an array counts as one). One value or two
together, what explains most of them first, and then what explains the rest.
The newest 1,000 failures are compared with some 2,000 of the window's other
deliveries, or as many as --compare says with twice as many others: fewer are
quicker, more find what only a small part of them has in common. Events of over
256 KB or 3,000 values are compared by facts alone.

What is named is hardly chance: of 100 windows in which failures have nothing in
common, at most one names anything, however many values there are. The fewer
failures there are, the less can be said: ten that have all of it are enough.
  error   what they say; 'first seen on' when no other version has shown it in
          the last 7 days
  pin     puts these on the fallback; of a version or alias 'undo', of all
  replay  shows what of them would be run again, once the cause is gone

Without a component it lists those that have failures, version by version.

Examples:
  $ turnout failures --since 1h
  $ turnout failures release-coordinator
  $ turnout failures release-coordinator --version 23 --since 1h
  $ turnout failures release-coordinator --customer acme --json
`,
    )
    .action(show);
}

function comparedFailures(text: string): number {
  const count = wholeNumber("--compare", 10)(text);
  if (count <= MOST_COMPARED) return count;
  throw usage(`--compare: no more than ${MOST_COMPARED} are compared.`);
}

async function show(component: string | undefined, options: FailuresOptions): Promise<void> {
  const { json, since, from, to, compare: most, ...filter } = options;
  await withInstallation(async (installation) => {
    const now = new Date();
    const window = windowOf({ ...(since && { since }), ...(from && { from }), ...(to && { to }) }, now);
    if (component === undefined) return listFailing(installation, window, options);
    const found = await explainFailures(installation, { component, window, filter, most }, now, Math.random);
    note(`first attempts from ${found.window.from.toISOString()} to ${found.window.to.toISOString()}`);
    comparedLines(found).forEach(note);
    if (json) for (const one of found.explanations) printJson(explanationJson(one, found));
    else for (const [n, one] of found.explanations.entries()) explanationLines(n, one, found).forEach(printLine);
  });
}

/** Which components have failures at all: what explains them is looked for once one is named. */
async function listFailing(
  { events }: Pick<Installation, "events">,
  window: TimeWindow,
  { json, since: _, from: __, to: ___, compare: ____, ...filter }: FailuresOptions,
): Promise<void> {
  const [narrowed] = Object.keys(filter);
  if (narrowed !== undefined) throw usage(`--${narrowed} is of one component's failures: name the component.`);
  const { from, to } = wholeMinutes(window);
  note(`first attempts from ${from.toISOString()} to ${to.toISOString()}`);
  const failing = await failingVersions(events, window);
  if (json) return failing.map(failingJson).forEach(printJson);
  if (failing.length === 0) return note("none has failed");
  printTable(FAILING, failing);
  note(`what failures of one have in common: ${commandLine("failures")} COMPONENT`);
}

const FAILING: Column<FailingVersion>[] = [
  { title: "COMPONENT", text: ({ component }) => component, least: 12 },
  { title: "VER", text: ({ version }) => (version === "" ? "?" : version), alignRight: true },
  { title: "FAILED", text: ({ failed }) => String(failed), alignRight: true },
  { title: "FIRSTS", text: ({ tried }) => String(tried), alignRight: true },
  { title: "ERR%", text: ({ failed, tried }) => percent(failed, tried), alignRight: true },
];

function failingJson({ component, version, failed, tried }: FailingVersion): object {
  return { component, component_version: version === "" ? null : version, failed, first_attempts: tried };
}

/** What was compared, what could not be, and what is said where nothing was found. */
function comparedLines(found: FailuresExplained): string[] {
  const { counted, isAll, failed, passed, errors, explanations, leftOut } = found;
  if (counted === 0 && failed === 0) return ["none has failed"];
  if (failed === 0) return [`${counted} failed, of which none is listed that was asked for`];
  const others = counted > failed ? `, of ${counted} that were counted of whatever subject` : "";
  const left = leftOut.paths + leftOut.values;
  return [
    `${isAll ? "" : "the newest "}${plural(failed, "failure")}${others}, beside ${passed} that went well`,
    ...(leftOut.events > 0
      ? [`${plural(leftOut.events, "event")} of these can't be looked into, or are too large`]
      : []),
    ...(left > 0 ? [`${plural(left, "value")} of events beyond what is compared, or too long for it`] : []),
    ...(explanations.length > 0 ? [] : ["nothing tells them apart", ...errors.map((error) => `  ${errorText(error)}`)]),
  ];
}

function explanationLines(
  place: number,
  one: ExplainedFailures,
  { component, failed, passed }: FailuresExplained,
): string[] {
  const { traits, alike, failures, errors } = one;
  const command = actingCommand(one, component);
  return [
    `${place + 1}  ${traits.map(traitText).join(" and ")}`,
    ...labelled("has", [`${failures.length} of ${failed} failures, ${one.passed} of ${passed} that went well`]),
    ...labelled("as do", alike.length === 0 ? [] : [alike.map(traitText).join(", ")]),
    ...labelled("error", errors.map(errorText)),
    ...labelled(one.pin === undefined ? "undo" : "pin", command === undefined ? [] : [command]),
    ...labelled("replay", [replayCommand(one) ?? "no filter tells these apart"]),
  ];
}

function errorText({ error, version, count, isFirst }: SeenError): string {
  return `${count} × ${error}${isFirst ? ` (first seen on ${version === "" ? "?" : version})` : ""}`;
}

function actingCommand({ pin, rollBack }: ExplainedFailures, component: string): string | undefined {
  const why = ["--reason", "TEXT"];
  if (rollBack !== undefined) return commandLine("undo", component, rollBack, ...why);
  if (pin === undefined) return undefined;
  return commandLine("pin", `--${pin.level}`, pin.id, "--component", component, "--to", pin.to, ...why);
}

/** From when the first of them arrived: what has failed of them since is to be run again too. */
function replayCommand({ filter, since }: ExplainedFailures): string | undefined {
  if (filter === undefined) return undefined;
  return commandLine("replay", "plan", "--from", since.toISOString(), ...filterWords(filter), "--unresolved");
}

function explanationJson(one: ExplainedFailures, { component, failed, passed }: FailuresExplained): object {
  return {
    component,
    traits: one.traits,
    alike: one.alike,
    failures: one.failures.length,
    failures_compared: failed,
    others: one.passed,
    others_compared: passed,
    evidence: one.evidence,
    errors: one.errors.map(({ error, count, version, isFirst }) => ({
      error,
      count,
      first_seen: isFirst ? version : null,
    })),
    event_ids: one.failures.slice(0, 10).map(({ eventId }) => eventId),
    act: actingCommand(one, component) ?? null,
    replay: replayCommand(one) ?? null,
  };
}
