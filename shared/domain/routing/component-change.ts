import { AliasNotFound, AliasRetired, TurnoutError } from "../errors.ts";
import { own } from "../text/schema.ts";
import type { Alias } from "./alias.ts";
import type { CohortRoute } from "./cohort.ts";
import type { AllStable } from "./component.ts";
import { aliasOf, type Component } from "./component.ts";
import { type BadVersion, type Guard, MAX_BAD_VERSIONS } from "./guard-rule.ts";
import type { Rollout } from "./rollout.ts";
import { ownPlaceOf } from "./target-address.ts";

/**
 * One change to how a component routes. `before` puts a cohort's route ahead of another cohort's. A rollout keeps the
 * salt that the component's rollout has, and takes its own only where there is none, or with `reshuffle`.
 */
export type ComponentChange =
  | { set: "cohort route"; route: CohortRoute; before?: string }
  | { remove: "cohort route"; cohort: string }
  | { set: "rollout"; rollout: Rollout; reshuffle?: boolean }
  | { remove: "rollout" }
  | { set: "default alias"; alias: Alias }
  | { set: "fallback alias"; alias: Alias }
  | { set: "alias"; alias: Alias }
  | { retire: "alias"; alias: Alias }
  | { remove: "alias"; alias: Alias }
  | { set: "all stable"; allStable: AllStable }
  | { remove: "all stable" }
  | { set: "guard"; alias: Alias; guard: Guard }
  | { remove: "guard"; alias: Alias }
  | { set: "bad version"; bad: BadVersion };

/**
 * The component after a change; the same object when there is nothing to change.
 * @throws AliasNotFound, AliasRetired, TurnoutError `not found` for a route or rollout that isn't there and
 *   `not allowed` for an alias that the component itself still names
 */
export function changeComponent(component: Component, change: ComponentChange): Component {
  if ("set" in change) return set(component, change);
  if ("retire" in change) return retireAlias(component, change.alias);
  switch (change.remove) {
    case "cohort route":
      return removeCohortRoute(component, change.cohort);
    case "rollout": {
      const { rollout, ...rest } = component;
      if (rollout === undefined) throw new TurnoutError("not found", `${component.name} has no rollout.`);
      return rest;
    }
    case "alias":
      return removeAlias(component, change.alias);
    case "all stable": {
      const { allStable, ...rest } = component;
      return allStable === undefined ? component : rest;
    }
    case "guard":
      return removeGuard(component, change.alias);
  }
}

function set(component: Component, change: Extract<ComponentChange, { set: string }>): Component {
  switch (change.set) {
    case "cohort route":
      return setCohortRoute(component, change.route, change.before);
    case "rollout":
      return setRollout(component, change.rollout, change.reshuffle ?? false);
    case "default alias":
      return { ...component, defaultAlias: usable(component, change).alias };
    case "fallback alias":
      return { ...component, fallbackAlias: usable(component, change).alias };
    case "alias":
      return setAlias(component, change.alias);
    case "all stable":
      return { ...component, allStable: change.allStable };
    case "guard": {
      const { alias, guard } = usable(component, change);
      return { ...component, guards: { ...component.guards, [alias]: guard } };
    }
    case "bad version":
      return markBad(component, change.bad);
  }
}

function usable<T extends { alias: Alias }>(component: Component, rule: T): T {
  const entry = aliasOf(component, rule.alias);
  if (entry === undefined) throw new AliasNotFound(rule.alias, component.name, Object.keys(component.aliases));
  if (entry.retired) throw new AliasRetired(rule.alias, component.name);
  return rule;
}

function removeGuard(component: Component, alias: Alias): Component {
  const { guards, ...unguarded } = component;
  const { [alias]: guard, ...others } = guards ?? {};
  if (guard === undefined) throw new TurnoutError("not found", `${alias} of ${component.name} isn't guarded.`);
  return Object.keys(others).length === 0 ? unguarded : { ...component, guards: others };
}

/** A version that is marked already keeps its mark, and what was first said of it. */
function markBad(component: Component, bad: BadVersion): Component {
  const { badVersions = [] } = component;
  const isKnown = badVersions.some(({ version, alias, at }) => {
    return version === bad.version && alias === bad.alias && at === bad.at;
  });
  if (isKnown) return component;
  const others = badVersions.filter(({ version, alias }) => version !== bad.version || alias !== bad.alias);
  return { ...component, badVersions: [bad, ...others].slice(0, MAX_BAD_VERSIONS) };
}

/** Another salt would shuffle everybody: those who were in the share would be out of it. */
function setRollout(component: Component, rollout: Rollout, reshuffle: boolean): Component {
  usable(component, rollout);
  const salt = reshuffle ? rollout.salt : (component.rollout?.salt ?? rollout.salt);
  return { ...component, rollout: { ...rollout, salt } };
}

/** A route that is there keeps its place, unless it is told another one; a new one comes last. */
function setCohortRoute(component: Component, route: CohortRoute, before: string | undefined): Component {
  usable(component, route);
  const at = component.cohortRoutes.findIndex(({ cohort }) => cohort === route.cohort);
  if (before === undefined && at >= 0) return { ...component, cohortRoutes: component.cohortRoutes.with(at, route) };
  const others = component.cohortRoutes.filter(({ cohort }) => cohort !== route.cohort);
  if (before === undefined) return { ...component, cohortRoutes: [...others, route] };
  const place = others.findIndex(({ cohort }) => cohort === before);
  if (place < 0) throw noRoute(component, before);
  return { ...component, cohortRoutes: others.toSpliced(place, 0, route) };
}

function removeCohortRoute(component: Component, cohort: string): Component {
  const cohortRoutes = component.cohortRoutes.filter((route) => route.cohort !== cohort);
  if (cohortRoutes.length === component.cohortRoutes.length) throw noRoute(component, cohort);
  return { ...component, cohortRoutes };
}

function noRoute(component: Component, cohort: string): TurnoutError {
  const known = component.cohortRoutes.map((route) => route.cohort).join(", ");
  return new TurnoutError(
    "not found",
    `${component.name} has no route for cohort '${cohort}'; it has ${known === "" ? "none" : known}.`,
  );
}

/** A new alias is reached as the default one is. One that was retired is taken into use again. */
function setAlias(component: Component, alias: Alias): Component {
  const entry = aliasOf(component, alias);
  if (entry !== undefined && entry.retired !== true) return component;
  const target = (entry ?? aliasOf(component, component.defaultAlias))?.target ?? { kind: "worker" };
  const place = ownPlaceOf(target);
  if (entry === undefined && place !== undefined) {
    const remedy = "Add it to the component's file, with its target, and apply that";
    throw new TurnoutError("not allowed", `Every alias of ${component.name} has a ${place} of its own. ${remedy}.`);
  }
  return { ...component, aliases: { ...component.aliases, [alias]: { target } } };
}

function retireAlias(component: Component, alias: Alias): Component {
  const entry = aliasOf(component, alias);
  if (entry === undefined) throw new AliasNotFound(alias, component.name, Object.keys(component.aliases));
  refuseIfNamed(component, alias);
  return { ...component, aliases: { ...component.aliases, [alias]: { ...entry, retired: true } } };
}

function removeAlias(component: Component, alias: Alias): Component {
  const { [alias]: entry, ...aliases } = component.aliases;
  if (entry === undefined) throw new AliasNotFound(alias, component.name, Object.keys(component.aliases));
  refuseIfNamed(component, alias);
  return { ...component, aliases };
}

function refuseIfNamed(component: Component, alias: Alias): void {
  const names: string[] = [];
  if (component.defaultAlias === alias) names.push("it is the default alias");
  if (component.fallbackAlias === alias) names.push("it is the fallback alias");
  if (component.rollout?.alias === alias) names.push("the rollout sends to it");
  if (own(component.guards ?? {}, alias) !== undefined) names.push("it is guarded");
  for (const route of component.cohortRoutes) {
    if (route.alias === alias) names.push(`the route of cohort '${route.cohort}' sends to it`);
  }
  if (names.length === 0) return;
  throw new TurnoutError(
    "not allowed",
    `Alias '${alias}' of ${component.name} is still in use: ${names.join("; ")}. Point these elsewhere first.`,
  );
}
