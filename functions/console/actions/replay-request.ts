import { askedStatuses, type OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { compileEventPattern, type EventPattern } from "../../../shared/domain/events/event-pattern.ts";
import { type ReplayRequest, replayModes } from "../../../shared/domain/replays/replay.ts";
import { AliasName } from "../../../shared/domain/routing/alias.ts";
import { becauses } from "../../../shared/domain/routing/decide-route.ts";
import { subjectLevels } from "../../../shared/domain/subject.ts";
import { read, readJson } from "../../../shared/domain/text/schema.ts";
import { readTime, timeWindow } from "../../../shared/domain/text/time-window.ts";
import type { ActionField } from "./action.ts";
import { componentField, must, needed, subjectFields, wrong } from "./given.ts";

const { required: _, ...anyComponent } = componentField;

/** What a replay delivers again. Times are absolute, so that what is shown is what is started. */
export const replayFields: readonly ActionField[] = [
  { name: "from", label: "Arrived from", hint: "Such as 2026-11-20T10:00Z.", kind: "text", required: true },
  { name: "to", label: "To", hint: "Before this time.", kind: "text", required: true },
  anyComponent as ActionField,
  { name: "status", label: "Outcome", kind: "choice", choices: askedStatuses },
  ...subjectFields,
  { name: "alias", label: "Handled by the alias", kind: "text" },
  { name: "executed-version", label: "Run by the version", kind: "text" },
  { name: "because", label: "Because of the rule", kind: "choice", choices: becauses },
  { name: "pattern", label: "Pattern", hint: "Of EventBridge, as JSON.", kind: "text" },
  {
    name: "mode",
    label: "Mode",
    hint: "rerun runs each once more, finish only what isn't done.",
    kind: "choice",
    choices: replayModes,
  },
  { name: "to-alias", label: "Send all to the alias", hint: "Nothing: where the routing says.", kind: "text" },
  { name: "name", label: "Name", hint: "Nothing: its time and a few letters.", kind: "text" },
];

/** @throws TurnoutError `usage` that names the field */
export function replayRequestIn(given: URLSearchParams, now: Date): ReplayRequest {
  const time = (name: string, label: string) => must(readTime(needed(given, name, label)), label);
  const window = must(timeWindow({ from: time("from", "Arrived from"), to: time("to", "To") }, now), "The time window");
  const mode = replayModes.find((one) => one === (given.get("mode") ?? "rerun"));
  if (mode === undefined) throw wrong(`Mode: choose one of ${replayModes.join(", ")}.`);
  const alias = given.get("to-alias");
  const destination =
    alias === null
      ? { kind: "today" as const }
      : { kind: "alias" as const, alias: must(read(AliasName, alias), "Send all to the alias") };
  return { window, filter: filterIn(given), mode, destination };
}

function filterIn(given: URLSearchParams): OutcomeFilter {
  const filter: OutcomeFilter = {};
  for (const name of ["component", "alias", ...subjectLevels] as const) {
    const value = given.get(name);
    if (value !== null) filter[name] = value;
  }
  const [status, because, version, pattern] = ["status", "because", "executed-version", "pattern"].map((name) =>
    given.get(name),
  );
  if (status != null) filter.status = chosen(askedStatuses, status, "Outcome");
  if (because != null) filter.because = chosen(becauses, because, "Because of the rule");
  if (version != null) filter.executedVersion = version;
  if (pattern != null) filter.pattern = patternIn(pattern);
  return filter;
}

function chosen<T extends string>(choices: readonly T[], value: string, label: string): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw wrong(`${label}: choose one of ${choices.join(", ")}.`);
  return found;
}

function patternIn(text: string): EventPattern {
  const json = must(readJson(text), "Pattern");
  const compiled = compileEventPattern(json);
  if (!compiled.ok) throw wrong(`Pattern: ${compiled.problem}.`);
  return json as EventPattern;
}
