import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { AliasName } from "../../../shared/domain/routing/alias.ts";
import { CohortName } from "../../../shared/domain/routing/cohort.ts";
import type { Period } from "../../../shared/domain/routing/period.ts";
import type { Rollout } from "../../../shared/domain/routing/rollout.ts";
import { SubjectId, type SubjectLevel, subjectLevels } from "../../../shared/domain/subject.ts";
import { readDurationMs } from "../../../shared/domain/text/duration.ts";
import { type Read, read } from "../../../shared/domain/text/schema.ts";
import { readTime, type TimeWindow, timeWindow } from "../../../shared/domain/text/time-window.ts";
import { required } from "./required-option.ts";

export type JsonOption = { json?: true };

/** What every command that changes something takes. */
export type ChangeOptions = JsonOption & {
  reason: string;
  dryRun?: true;
  yes?: true;
  expectRevision?: number;
  force?: true;
};

/** When a rule counts. Durations in ms. */
export type PeriodOptions = { from?: Date; until?: Date; for?: number };

export type SubjectOptions = { [level in SubjectLevel]?: string };

export function usage(message: string): TurnoutError {
  return new TurnoutError("usage", message);
}

/** @throws TurnoutError `usage` that says where the problem is */
export function must<T>(result: Read<T>, where: string): T {
  if (!result.ok) throw usage(`${where}: ${result.problem}.`);
  return result.value;
}

export function jsonOption(command: Command): Command {
  return command.option("--json", "print JSON, one object per line");
}

export function changeOptions(command: Command): Command {
  return required(jsonOption(command), "--reason <text>", "why, for the change log", reason)
    .option("--dry-run", "say what would change, and change nothing")
    .option("-y, --yes", "don't ask")
    .option("--expect-revision <n>", "refuse if the routing is at another revision", revision)
    .option("--force", "go past a freeze and the guardrails; the change log says so");
}

/** `--for`, `--until` and `--from`. @param rule what counts, e.g. `the pin` */
export function periodOptions(command: Command, rule: string): Command {
  return command
    .option("--for <duration>", `how long ${rule} counts, e.g. 3d, 12h`, duration("--for"))
    .option("--until <time>", "until when it counts (default: until it is taken away)", time("--until"))
    .option("--from <time>", "from when it counts (default: at once)", time("--from"));
}

/** @param rule at the start of a sentence, e.g. `The pin` */
export function period(options: PeriodOptions, rule: string, now: Date): Period {
  const { from, for: forMs } = options;
  if (options.until !== undefined && forMs !== undefined) throw usage("Name one of --for and --until.");
  const until = forMs === undefined ? options.until : new Date((from ?? now).getTime() + forMs);
  if (from !== undefined && until !== undefined && until <= from) throw usage(`${rule} would end before it starts.`);
  return { ...(from && { from: from.toISOString() }), ...(until && { until: until.toISOString() }) };
}

/** `--user`, `--project`, `--customer` and `--plan`, each with an id. */
export function subjectOptions(command: Command): Command {
  return command
    .option("--user <id>", "a user", subjectId("--user"))
    .option("--project <id>", "a project", subjectId("--project"))
    .option("--customer <id>", "a customer", subjectId("--customer"))
    .option("--plan <id>", "a plan", subjectId("--plan"));
}

/** The one subject that is named. */
export function oneSubject(options: SubjectOptions): { level: SubjectLevel; id: string } {
  const named = subjectLevels.flatMap((level) => {
    const id = options[level];
    return id === undefined ? [] : [{ level, id }];
  });
  const [only] = named;
  if (only === undefined || named.length > 1)
    throw usage("Name exactly one of --user, --project, --customer and --plan.");
  return only;
}

export function subjectId(flag: string): (text: string) => string {
  return (text) => must(read(SubjectId, text), flag);
}

export function aliasName(where: string): (text: string) => string {
  return (text) => must(read(AliasName, text), where);
}

/** By which id it is decided who is in a share. */
export function shareId(text: string): Rollout["by"] {
  if (text === "project" || text === "customer" || text === "user") return text;
  throw usage(`--by: there is no '${text}'; there are project, customer, user.`);
}

/** Ids of a variadic option, one after the other. */
export function subjectIds(flag: string): (text: string, before?: string[]) => string[] {
  return (text, before = []) => [...before, subjectId(flag)(text)];
}

export function cohortName(where: string): (text: string) => string {
  return (text) => must(read(CohortName, text), where);
}

export function duration(flag: string): (text: string) => number {
  return (text) => must(readDurationMs(text), flag);
}

export function time(flag: string): (text: string) => Date {
  return (text) => must(readTime(text), flag);
}

/** The window that `--since`, `--from` and `--to` say, in absolute times. */
export function statedWindow(
  { since, from, to }: { since: number | undefined; from: Date | undefined; to: Date | undefined },
  now: Date,
): TimeWindow {
  if (since !== undefined && from !== undefined) {
    throw usage("The time window: --since and --from both say where it begins; name one of them.");
  }
  const begins = from === undefined ? { ...(since !== undefined && { sinceMs: since }) } : { from };
  return must(timeWindow({ ...begins, ...(to && { to }) }, now), "The time window");
}

/** A whole number of at least `least`. */
export function wholeNumber(flag: string, least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
    throw usage(`${flag}: expected a whole number from ${least} up.`);
  };
}

function revision(text: string): number {
  return wholeNumber("--expect-revision", 0)(text);
}

function reason(text: string): string {
  if (text.trim() === "") throw usage("--reason: say why, for whoever reads the change log.");
  return text;
}
