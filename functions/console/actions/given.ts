import { TurnoutError } from "../../../shared/domain/errors.ts";
import { AliasName } from "../../../shared/domain/routing/alias.ts";
import type { Component } from "../../../shared/domain/routing/component.ts";
import type { Period } from "../../../shared/domain/routing/period.ts";
import { SubjectId, type SubjectLevel, subjectLevels } from "../../../shared/domain/subject.ts";
import { readDurationMs } from "../../../shared/domain/text/duration.ts";
import { type Read, read } from "../../../shared/domain/text/schema.ts";
import { readTime } from "../../../shared/domain/text/time-window.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { ActionField } from "./action.ts";

/** What was filled in wrongly. */
export function wrong(message: string): TurnoutError {
  return new TurnoutError("usage", message);
}

/** @throws TurnoutError `usage` that names the field */
export function must<T>(result: Read<T>, label: string): T {
  if (!result.ok) throw wrong(`${label}: ${result.problem}.`);
  return result.value;
}

/** @throws TurnoutError `usage` when nothing was filled in */
export function needed(given: URLSearchParams, name: string, label: string): string {
  const value = given.get(name);
  if (value === null) throw wrong(`${label}: it is missing.`);
  return value;
}

export function aliasIn(given: URLSearchParams, name: string, label: string): string {
  return must(read(AliasName, needed(given, name, label)), label);
}

export const componentField: ActionField = {
  name: "component",
  label: "Component",
  kind: "choice",
  required: true,
  choices: async ({ routingTable }) => (await routingTable.components()).components.map(({ name }) => name),
};

/** The aliases that are in use: of the component that is named, or of all. */
export async function aliasChoices({ routingTable }: Installation, given: URLSearchParams): Promise<string[]> {
  return aliasesInUse((await routingTable.components()).components, given);
}

export function aliasesInUse(components: readonly Component[], given: URLSearchParams): string[] {
  const named = components.filter(({ name }) => !given.has("component") || name === given.get("component"));
  const aliases = named.flatMap((component) => Object.entries(component.aliases));
  return [...new Set(aliases.filter(([, { retired }]) => !retired).map(([alias]) => alias))];
}

export const subjectFields: readonly ActionField[] = subjectLevels.map((level) => ({
  name: level,
  label: `${level.charAt(0).toUpperCase()}${level.slice(1)}`,
  kind: "text",
}));

/** The one subject that is named. */
export function subjectIn(given: URLSearchParams): { level: SubjectLevel; id: string } {
  const named = subjectLevels.flatMap((level) => {
    const id = given.get(level);
    return id === null ? [] : [{ level, id: must(read(SubjectId, id), level) }];
  });
  const [only] = named;
  if (only === undefined || named.length > 1) throw wrong(`Name exactly one of ${subjectLevels.join(", ")}.`);
  return only;
}

export const periodFields: readonly ActionField[] = [
  {
    name: "for",
    label: "For",
    hint: "How long it counts, such as 3d or 12h. Nothing: until it is taken away.",
    kind: "text",
  },
  { name: "until", label: "Until", hint: "Until when it counts instead, such as 2026-12-24T18:00:00Z.", kind: "text" },
  { name: "from", label: "From", hint: "From when on it counts. Nothing: at once.", kind: "text" },
];

/** When a rule counts. */
export function periodIn(given: URLSearchParams, now: Date): Period {
  const time = (name: string, label: string) => {
    const text = given.get(name);
    return text === null ? undefined : must(readTime(text), label);
  };
  const [from, stated] = [time("from", "From"), time("until", "Until")];
  const length = given.get("for");
  if (length !== null && stated !== undefined) throw wrong("Fill in one of For and Until.");
  const until = length === null ? stated : new Date((from ?? now).getTime() + must(readDurationMs(length), "For"));
  if (from !== undefined && until !== undefined && until <= from) throw wrong("It would end before it starts.");
  return { ...(from && { from: from.toISOString() }), ...(until && { until: until.toISOString() }) };
}
