import type { Command } from "commander";
import {
  type AskedStatus,
  askedStatuses,
  type OutcomeFilter,
} from "../../../shared/domain/deliveries/event-outcome.ts";
import { compileEventPattern, type EventPattern } from "../../../shared/domain/events/event-pattern.ts";
import { patternDoubts } from "../../../shared/domain/events/pattern-doubts.ts";
import { type Because, becauses } from "../../../shared/domain/routing/decide-route.ts";
import { eachOf } from "../../../shared/domain/text/any-of.ts";
import { readJson } from "../../../shared/domain/text/schema.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import { shellLine } from "../../../shared/installation/wording/shell-quote.ts";
import { cohortName, duration, must, statedWindow, subjectId, time, usage } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";
import { anyOf, repeated } from "../terminal/repeated-option.ts";

/** A window as it is asked for. */
export type WindowOptions = { since?: number; from?: Date; to?: Date };

/** `--since`, `--from` and `--to`. */
export function windowOptions(command: Command): Command {
  return command
    .option("--since <duration>", "how far back from --to, e.g. 15m, 2h, 3d (default: 15m)", duration("--since"))
    .option("--from <time>", "from when, ISO 8601, UTC unless it says otherwise", time("--from"))
    .option("--to <time>", "until when (default: now)", time("--to"));
}

/** The window in absolute times, by when events arrived. @throws TurnoutError `usage` */
export function windowOf({ since, from, to }: WindowOptions, now: Date): TimeWindow {
  if (from !== undefined && from > now)
    throw usage(`--from: ${from.toISOString()} lies in the future. Name a time that has passed.`);
  return statedWindow({ since, from, to }, now);
}

/** A filter as it is typed: each option any number of times. */
export type FilterOptions = {
  [name in Exclude<keyof OutcomeFilter, "ranSince" | "ranBehind" | "status" | "because" | "pattern">]?: string[];
} & { status?: AskedStatus[]; because?: Because[]; pattern?: EventPattern[]; unresolved?: true };

/** What to look for, in the same words wherever events are listed or delivered again. */
export function filterOptions(command: Command): Command {
  repeated(command, "--component <name>", "only deliveries to this component", String);
  repeated(command, "--alias <name>", "only what this alias handled", String);
  repeated(command, "--executed-version <version>", "only what this version ran, in any attempt", String);
  return handledOptions(command);
}

/** `--notices`, where events are listed. */
export function noticesOption(command: Command): Command {
  return command
    .option("--notices", "with Turnout's own notices that no component listens to")
    .addHelpText(
      "after",
      "\nTurnout's own notices (source 'turnout') that no component listens to are left\nout, unless --notices or a source asks for them.",
    );
}

/** The same where component, alias and version are settled. */
export function handledOptions(command: Command): Command {
  repeated(command, "--source <name>", "only events of this source", String);
  repeated(command, "--user <id>", "only events of this user", subjectId("--user"));
  repeated(command, "--project <id>", "only events of this project", subjectId("--project"));
  repeated(command, "--customer <id>", "only events of this customer", subjectId("--customer"));
  repeated(command, "--plan <id>", "only events of projects that were on this plan", subjectId("--plan"));
  const inCohort = "only projects and customers that are in this cohort now";
  repeated(command, "--cohort <name>", inCohort, cohortName("--cohort"));
  repeated(command, "--status <status>", `only this outcome: ${askedStatuses.join(", ")}`, status);
  command.option("--unresolved", "only what is dead or rejected, and was not made good since: --status unresolved");
  repeated(command, "--because <rule>", `only what this rule decided: ${becauses.join(", ")}`, because);
  repeated(command, "--replay <name>", "only what this replay delivered", String);
  repeated(command, "--pattern <json>", "only events that match this EventBridge pattern", pattern);
  return command.addHelpText("after", "\nWhat says 'only' may be repeated, for what any of its values lets through.");
}

/** The filter among a command's options. @throws TurnoutError `usage` */
export function filterOf(options: FilterOptions): OutcomeFilter {
  const { component, source, user, project, customer, plan, cohort, alias, executedVersion, unresolved } = options;
  const other = unresolved && options.status?.find((status) => status !== "unresolved");
  if (other !== undefined) throw usage(`Name one of --unresolved and --status ${other}.`);
  const status: AskedStatus[] | undefined = unresolved ? ["unresolved"] : options.status;
  const { because: rule, replay, pattern: wanted } = options;
  const subject = { user, project, customer, plan };
  const all = { component, source, ...subject, cohort, alias, executedVersion, status, because: rule };
  return Object.fromEntries(
    Object.entries({ ...all, replay, pattern: wanted }).flatMap(([name, values]) =>
      values === undefined ? [] : [[name, anyOf<string | EventPattern>(values)]],
    ),
  );
}

/** The filter as it is typed, e.g. `--component x --customer acme --customer globex`. */
export function filterWords(filter: OutcomeFilter): string[] {
  return Object.entries(filter).flatMap(([name, values]) => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return eachOf<string | EventPattern>(values).flatMap((value) => [
      flag,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
  });
}

/** The same for a person to read; empty when everything passes. */
export function filterText({ ranSince, ranBehind, ...filter }: OutcomeFilter): string {
  const words = shellLine(filterWords(filter));
  const unsaid = ranBehind === undefined ? "" : `, or by ${ranBehind} without saying which version`;
  return ranSince === undefined ? words : `${words}, run since ${ranSince}${unsaid}`;
}

function status(text: string): AskedStatus {
  const known = askedStatuses.find((one) => one === text);
  if (known !== undefined) return known;
  throw usage(`--status: there is no '${text}'; there are ${askedStatuses.join(", ")}.`);
}

function because(text: string): Because {
  const known = becauses.find((rule) => rule === text);
  if (known !== undefined) return known;
  throw usage(`--because: there is no rule '${text}'; there are ${becauses.join(", ")}.`);
}

function pattern(text: string): EventPattern {
  const json = must(readJson(text), "--pattern");
  const compiled = compileEventPattern(json);
  if (!compiled.ok) throw usage(`--pattern: ${compiled.problem}.`);
  for (const doubt of patternDoubts(json as EventPattern)) note(`warning: --pattern: ${doubt}`);
  return json as EventPattern;
}
