import type { OutcomeFilter } from "../deliveries/event-outcome.ts";
import type { Alias } from "../routing/alias.ts";
import type { Component } from "../routing/component.ts";
import { type SubjectLevel, subjectLevels } from "../subject.ts";
import type { Failure } from "./failure.ts";
import { type Trait, traitFilter } from "./trait.ts";

/** Which failures are looked at, and what they are compared with. */
export type FailureFilter = { version?: string; alias?: Alias } & { [level in SubjectLevel]?: string };

/** What acts on failures that have something in common, and on nothing else. */
export type Levers = {
  /** Lets through the deliveries that have it; undefined where no filter says just that. */
  filter?: OutcomeFilter;
  /** Whom to pin elsewhere, where it is somebody in particular who isn't there already. */
  pin?: { level: SubjectLevel; id: string; to: Alias };
  /** The alias to roll back, where it is a version or an alias that fails and the alias still points at that version. */
  rollBack?: Alias;
};

type Pointing = { alias: Alias; version: string };

/**
 * @param targets what the aliases point at now
 * @param asked the filter that the failures have passed
 */
export function leversOf(
  traits: readonly Trait[],
  failures: readonly Failure[],
  { name, fallbackAlias, targets }: Pick<Component, "name" | "fallbackAlias"> & { targets: readonly Pointing[] },
  { version, ...asked }: FailureFilter,
): Levers {
  const shared = traitFilter(traits);
  const executed = version === undefined ? {} : { executedVersion: version };
  const alias = mostFrequent(failures.map((failure) => failure.alias));
  const somebody = traits.find(isSomebody) ?? askedFor(asked);
  const isVersion = traits.some(({ of }) => of === "version" || of === "alias");
  const failing = mostFrequent(failures.map((failure) => failure.version));
  const isThere = targets.some((target) => target.alias === alias && target.version === failing);
  return {
    ...(shared !== undefined && { filter: { component: name, ...asked, ...executed, ...shared } }),
    ...(somebody !== undefined &&
      alias !== fallbackAlias && { pin: { level: somebody.of, id: somebody.value, to: fallbackAlias } }),
    ...(somebody === undefined && isVersion && isThere && alias !== undefined && { rollBack: alias }),
  };
}

function isSomebody(trait: Trait): trait is { of: SubjectLevel; value: string } {
  return subjectLevels.some((level) => level === trait.of) && trait.value !== "";
}

/** Where all of it is of one subject that was asked for, it is that one's pin. */
function askedFor(asked: FailureFilter): { of: SubjectLevel; value: string } | undefined {
  const level = subjectLevels.find((one) => asked[one] !== undefined);
  return level === undefined ? undefined : { of: level, value: asked[level] ?? "" };
}

function mostFrequent<T>(all: readonly T[]): T | undefined {
  const groups = [...Map.groupBy(all, (one) => one)];
  return groups.toSorted((a, b) => b[1].length - a[1].length)[0]?.[0];
}
