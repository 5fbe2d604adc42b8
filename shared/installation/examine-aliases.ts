import { existsSync } from "node:fs";
import { TurnoutError } from "../domain/errors.ts";
import type { Remedy } from "../domain/remedy.ts";
import type { Component } from "../domain/routing/component.ts";
import { ownPlaceOf, REACHED } from "../domain/routing/target-address.ts";
import { keyOf, type LoggedAlias, loggedAliases, standingOf } from "../flows/versions/logged-aliases.ts";
import type { AliasSettings } from "../versions/lambda-version-catalog.ts";
import type { AliasedVersion } from "../versions/version-catalog.ts";
import { LOOKED_AT } from "./find-missing.ts";
import { type Finding, fine, problem, warning } from "./finding.ts";
import type { Installation } from "./installation.ts";

/** Compares every component's aliases with the change log, and sees that there is something behind them. */
export async function examineAliases(installation: Installation): Promise<Finding[]> {
  const { components } = await installation.routingTable.components();
  if (components.length === 0) {
    return [warning("components", "there are none", { operation: "apply component" })];
  }
  const wanted = components.flatMap((component) =>
    aliasesInUse(component).map((alias) => ({ component: component.name, alias })),
  );
  const logged = await loggedAliases(installation.routingTable, wanted);
  const found: Finding[] = [];
  // One after the other: Lambda takes few requests of its control plane.
  for (const component of components) found.push(...(await examineComponent(installation, component, logged)));
  return found;
}

async function examineComponent(
  installation: Installation,
  component: Component,
  logged: ReadonlyMap<string, LoggedAlias>,
): Promise<Finding[]> {
  const check = `component ${component.name}`;
  const elsewhere = targetsElsewhere(installation, component);
  if (elsewhere !== undefined) return [problem(check, elsewhere, "Correct its aliases' targets, and apply it")];
  const { found, fineText } = await examinePlaces(installation, component);
  let catalogued: AliasedVersion[];
  try {
    catalogued = await installation.catalog.aliases(component.name);
  } catch (error) {
    const told = installation.explain(error) ?? error;
    if (told instanceof TurnoutError) return [problem(check, told.message, ...told.remedies)];
    throw told;
  }
  const aliases = aliasesInUse(component).filter((alias) => placeOf(component, alias) === undefined);
  for (const alias of aliases) {
    const aliased = catalogued.find((one) => one.alias === alias);
    const known = logged.get(keyOf({ component: component.name, alias })) ?? {};
    found.push(...examineAlias(installation, component, alias, aliased, known));
    if (aliased !== undefined) found.push(...(await examineSettings(installation, component, alias)));
  }
  if (found.length > 0) return found;
  const moved = aliases.length === 0 ? [] : [`no alias was moved without Turnout (${aliases.join(", ")})`];
  return [fine(check, [...moved, ...fineText].join("; "))];
}

/** Looks whether what aliases stand for that have something of their own is there, and says what isn't looked at. */
async function examinePlaces(
  { versions, explain }: Installation,
  component: Component,
): Promise<{ found: Finding[]; fineText: string[] }> {
  const found: Finding[] = [];
  const [seen, unseen]: [string[], string[]] = [[], []];
  // One after the other, as above.
  for (const alias of aliasesInUse(component)) {
    const { target } = component.aliases[alias] ?? {};
    const place = target && ownPlaceOf(target);
    if (target === undefined || place === undefined) continue;
    if (versions.from === "folders" || !LOOKED_AT.has(target.kind)) {
      unseen.push(`${alias} (${place})`);
      continue;
    }
    const check = `${alias} of ${component.name}`;
    try {
      const missing = await versions.findMissing(target);
      if (missing === undefined) seen.push(`${alias} (${place})`);
      else found.push(problem(check, missing.found, missing.remedy));
    } catch (error) {
      const told = explain(error) ?? error;
      const remedies = told instanceof TurnoutError ? told.remedies : [];
      const why = told instanceof Error ? told.message : String(told);
      found.push(warning(check, `whether its ${place} is there isn't known: ${why}`, ...remedies));
    }
  }
  const fineText = [
    ...(seen.length === 0 ? [] : [`what aliases stand for is there: ${seen.join(", ")}`]),
    ...(unseen.length === 0 ? [] : [`Turnout doesn't look at ${unseen.join(", ")}`]),
  ];
  return { found, fineText };
}

/** What is wrong with an alias; nothing when all is well. */
function examineAlias(
  installation: Installation,
  component: Component,
  alias: string,
  aliased: AliasedVersion | undefined,
  logged: LoggedAlias,
): Finding[] {
  const { name, defaultAlias, fallbackAlias } = component;
  const check = `${alias} of ${name}`;
  const standing = standingOf(logged, aliased);
  if (standing.kind === "drifted") {
    const remedy: Remedy =
      aliased?.alsoTo === undefined
        ? { operation: "move drifted alias", component: name, alias }
        : "find out who did it, and end it: Turnout moves no alias that is shared out";
    return [problem(check, `was moved behind Turnout's back: it ${standing.text}`, remedy)];
  }
  if (standing.kind === "under way") {
    const { from, to } = standing.open.move;
    const found = `a move from ${from ?? "nowhere"} to ${to} was begun at ${standing.open.at.toISOString()}, and not ended`;
    return [warning(check, found, "It is finished within minutes. If it isn't, look at the move sweeper")];
  }
  if (standing.kind === "nowhere") {
    const matters = alias === defaultAlias || alias === fallbackAlias;
    const remedy = { operation: "publish version", component: name, alias } as const;
    return matters ? [problem(check, "points at no version: what goes to it fails", remedy)] : [];
  }
  const missing = aliased && missingFolder(installation, name, aliased.version);
  if (missing === undefined) return [];
  return [
    problem(check, `its version ${aliased?.version} has no folder ${missing}`, "Publish it again, or restore it"),
  ];
}

/** On AWS: what a function is set to, and the component says too. */
async function examineSettings(
  { versions, explain }: Installation,
  component: Component,
  alias: string,
): Promise<Finding[]> {
  if (versions.from === "folders") return [];
  const { name, timeoutMs, invocation } = component;
  const check = `${alias} of ${name}`;
  let settings: AliasSettings;
  try {
    settings = await versions.catalog.aliasSettings(name, alias, invocation.kind === "async");
  } catch (error) {
    const told = explain(error) ?? error;
    if (!(told instanceof TurnoutError)) throw told;
    return [warning(check, `its settings are not known: ${told.message}`, ...told.remedies)];
  }
  const found: Finding[] = [];
  if (settings.timeoutMs > timeoutMs) {
    const what = `may run for ${settings.timeoutMs} ms, and is given up after ${timeoutMs} ms: it may run twice at once`;
    found.push(warning(check, what, "Lower the function's timeout, or raise the component's timeoutMs"));
  }
  if (invocation.kind === "async") found.push(...examineOutcomes(check, settings.outcomes, invocation.maxEventAgeMs));
  return found;
}

function examineOutcomes(check: string, outcomes: AliasSettings["outcomes"], maxEventAgeMs: number): Finding[] {
  const remedy =
    "Give the alias an event invoke configuration as VersionedFunction does: no retries, the component's maxEventAgeMs, " +
    "and the outcomes queue as both destinations";
  if (outcomes?.areTold !== true) {
    return [
      problem(check, "nobody is told what becomes of its events: it has no destinations for both outcomes", remedy),
    ];
  }
  const wrong = [
    ...(outcomes.retries === 0 ? [] : [`Lambda tries ${outcomes.retries} more times by itself`]),
    ...(outcomes.maxEventAgeMs === maxEventAgeMs
      ? []
      : [`events may wait for ${outcomes.maxEventAgeMs} ms, and are taken as lost after ${maxEventAgeMs} ms`]),
  ];
  return wrong.length === 0 ? [] : [warning(check, wrong.join("; "), remedy)];
}

function placeOf({ aliases }: Component, alias: string): string | undefined {
  const target = aliases[alias]?.target;
  return target && ownPlaceOf(target);
}

function aliasesInUse({ aliases }: Component): string[] {
  return Object.entries(aliases).flatMap(([alias, { retired }]) => (retired ? [] : [alias]));
}

/** A target that this installation can't reach. */
function targetsElsewhere({ versions }: Installation, component: Component): string | undefined {
  const where = versions.from === "functions" ? "AWS" : "this machine";
  const others = aliasesInUse(component).flatMap((alias) => {
    const { kind } = component.aliases[alias]?.target ?? {};
    return kind === undefined || REACHED[where].has(kind) ? [] : [`${alias} (${kind})`];
  });
  return others.length === 0 ? undefined : `${others.join(", ")}: such a target can't be reached from ${where}`;
}

function missingFolder({ versions }: Installation, component: string, version: string): string | undefined {
  const folder = versions.from === "folders" ? versions.catalog.codeOf(component, version)?.folder : undefined;
  return folder === undefined || existsSync(folder) ? undefined : folder;
}
