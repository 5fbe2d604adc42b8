import * as z from "zod/mini";
import { own, read, readJson, recordOf } from "../text/schema.ts";
import { AliasName } from "./alias.ts";
import { CohortRoute } from "./cohort.ts";
import { AliasEntry, AllStable, type Component, Component as ComponentSchema } from "./component.ts";
import { BadVersion, Guard } from "./guard-rule.ts";
import { isUnderWay, Release } from "./release.ts";
import { Rollout } from "./rollout.ts";
import { UnreadableRow } from "./unreadable-row.ts";

/**
 * A component's row has two halves. The definition is what its author says: pattern, the aliases' targets, timeout, retry,
 * invocation, worker. The rules are what operators say.
 */
const rules = {
  aliases: recordOf(AliasName, AliasEntry),
  defaultAlias: AliasName,
  fallbackAlias: AliasName,
  cohortRoutes: z.array(CohortRoute),
  rollout: Rollout,
  release: Release,
  allStable: AllStable,
  guards: recordOf(AliasName, Guard),
  badVersions: z.array(BadVersion),
};
type Rules = Partial<Pick<Component, keyof typeof rules>>;

/**
 * The component as its author defines it now, with the rules that stand. A component that is new has those of its
 * definition; of a row that can't be read, every rule stands that still can.
 */
export function redefined(before: Component | UnreadableRow | undefined, defined: Component): Component {
  // A release is begun by those who operate, never by a file.
  const { release: _, ...fresh } = defined;
  if (before === undefined) return fresh;
  const kept = before instanceof UnreadableRow ? rulesIn(before) : rulesOf(before);
  const { rollout: __, allStable: ___, guards: ____, badVersions: _____, ...definition } = fresh;
  const whole = { ...definition, ...kept, aliases: aliasesOf(kept.aliases ?? {}, defined.aliases) };
  // Rules that were damaged so that they name no alias any more.
  return read(ComponentSchema, whole).ok ? whole : { ...fresh, aliases: whole.aliases };
}

/** The rules that an author's definition leaves alone, a few words each; none where there is nothing but defaults. */
export function rulesLeftAlone(before: Component | undefined, defined: Component): string[] {
  if (before === undefined) return [];
  const { defaultAlias, fallbackAlias, cohortRoutes, rollout, release, allStable, aliases, guards = {} } = before;
  const others = Object.keys(aliases).filter((alias) => own(defined.aliases, alias) === undefined);
  const retired = Object.keys(aliases).filter((alias) => aliases[alias]?.retired === true);
  return [
    ...(allStable === undefined ? [] : ["all stable"]),
    ...(rollout === undefined ? [] : [`the rollout to ${rollout.alias}`]),
    ...(isUnderWay(release) ? [`release ${release.id}`] : []),
    ...Object.entries(guards).map(([alias, { mode }]) => `the guard of ${alias} (${mode})`),
    ...cohortRoutes.map(({ cohort, alias }) => `the route of cohort ${cohort} to ${alias}`),
    ...(defaultAlias === defined.defaultAlias ? [] : [`the default alias ${defaultAlias}`]),
    ...(fallbackAlias === defined.fallbackAlias ? [] : [`the fallback alias ${fallbackAlias}`]),
    ...(others.length === 0 ? [] : [`aliases that it doesn't name (${others.join(", ")})`]),
    ...(retired.length === 0 ? [] : [`what is retired (${retired.join(", ")})`]),
  ];
}

function rulesOf(component: Component): Rules {
  const { aliases, defaultAlias, fallbackAlias, cohortRoutes, rollout, release, allStable } = component;
  const { guards, badVersions } = component;
  return {
    ...{ aliases, defaultAlias, fallbackAlias, cohortRoutes },
    ...(rollout && { rollout }),
    ...(release && { release }),
    ...(allStable && { allStable }),
    ...(guards && { guards }),
    ...(badVersions && { badVersions }),
  };
}

function rulesIn({ text }: UnreadableRow): Rules {
  const json = readJson(text);
  const row: Record<string, unknown> = Object(json.ok && json.value);
  const found = Object.entries(rules).flatMap(([name, schema]) => {
    const rule = read<unknown>(schema, own(row, name));
    return rule.ok && rule.value !== undefined ? [[name, rule.value]] : [];
  });
  return Object.fromEntries(found);
}

/** Targets as they are defined now; which aliases there are besides, and which are retired, operators say. */
function aliasesOf(kept: Component["aliases"], defined: Component["aliases"]): Component["aliases"] {
  const entries = Object.entries(defined).map(([alias, entry]) => {
    const before = own(kept, alias);
    if (before === undefined) return [alias, entry];
    const { retired: _, ...rest } = entry;
    return [alias, before.retired === true ? { ...rest, retired: true } : rest];
  });
  return { ...kept, ...Object.fromEntries(entries) };
}
