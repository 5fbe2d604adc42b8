import {
  type AskedStatus,
  askedStatuses,
  type OutcomeFilter,
} from "../../../shared/domain/deliveries/event-outcome.ts";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { compileEventPattern, type EventPattern } from "../../../shared/domain/events/event-pattern.ts";
import { type Because, becauses } from "../../../shared/domain/routing/decide-route.ts";
import { readJson } from "../../../shared/domain/text/schema.ts";
import { filledIn } from "../page/filled-in.ts";

/** What a listing of events may be narrowed to: an option of the command each, and the field of the filter that it is. */
export const filterFields = {
  component: "component",
  alias: "alias",
  "executed-version": "executedVersion",
  source: "source",
  user: "user",
  project: "project",
  customer: "customer",
  plan: "plan",
  cohort: "cohort",
  status: "status",
  because: "because",
  replay: "replay",
  pattern: "pattern",
} as const;

/** The filter that stands in an address, by the names of the command's options. @throws TurnoutError `usage` */
export function filterIn(query: URLSearchParams): OutcomeFilter {
  const said = Object.entries(filterFields).flatMap(([name, field]) => {
    const values = query
      .getAll(name)
      .map((value) => filledIn(name, value))
      .filter((value) => value !== "");
    if (values.length === 0) return [];
    if (name === "status") return [[field, values.map(statusNamed)]];
    if (name === "because") return [[field, values.map(becauseNamed)]];
    return [[field, name === "pattern" ? values.map(patternIn) : values]];
  });
  return Object.fromEntries(said) as OutcomeFilter;
}

function statusNamed(text: string): AskedStatus {
  const known = askedStatuses.find((one) => one === text);
  if (known !== undefined) return known;
  throw new TurnoutError("usage", `Status: there is no '${text}'; there are ${askedStatuses.join(", ")}.`);
}

function becauseNamed(text: string): Because {
  const known = becauses.find((one) => one === text);
  if (known !== undefined) return known;
  throw new TurnoutError("usage", `Because: there is no rule '${text}'; there are ${becauses.join(", ")}.`);
}

function patternIn(text: string): EventPattern {
  const json = readJson(text);
  const compiled = json.ok ? compileEventPattern(json.value) : json;
  if (!compiled.ok) throw new TurnoutError("usage", `Pattern: ${compiled.problem}.`);
  return (json as { value: EventPattern }).value;
}
