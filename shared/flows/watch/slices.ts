import type { Subject } from "../../domain/subject.ts";
import type { VersionHealth } from "./health.ts";
import type { Exposure } from "./sampled-exposures.ts";

/** What a version's deliveries can be told apart by. */
export const dimensions = ["customer", "project", "plan", "user", "type", "alias", "error"] as const;
export type Dimension = (typeof dimensions)[number];

/** One value of a dimension among the first attempts of a version. */
export type Slice = {
  component: string;
  version: string;
  /** Empty where an event has none. */
  value: string;
  failed: number;
  /** Undefined where nobody can know it: of an error, what had tried to run into it. */
  tried?: number;
  /** The tried are told from a sample. */
  estimated: boolean;
};

export function isOfSubject(dimension: Dimension): dimension is keyof Subject & Dimension {
  return dimension === "customer" || dimension === "project" || dimension === "plan" || dimension === "user";
}

/**
 * A version's first attempts by a dimension, those that failed most first. By subject the failed are those of its
 * failures, which are all up to a limit, and the tried are estimated from what was looked at of the window.
 */
export function slicesOf(health: VersionHealth, by: Dimension, exposures: readonly Exposure[]): Slice[] {
  const { component, version } = health;
  const failed = isOfSubject(by) ? countBy(health.failures, subjectValue(by)) : failedBy(health, by);
  const tried = isOfSubject(by) ? estimated(health, by, exposures) : triedBy(health, by);
  const values = new Set([...failed.keys(), ...tried.keys()]);
  const slices = [...values].map((value): Slice => {
    const failures = failed.get(value) ?? 0;
    const slice = { component, version, value, failed: failures, estimated: isOfSubject(by) };
    // Whoever has failed so often has tried so often, whatever a sample has seen.
    return by === "error" ? slice : { ...slice, tried: Math.max(failures, Math.round(tried.get(value) ?? 0)) };
  });
  return slices.toSorted(
    (a, b) => b.failed - a.failed || (b.tried ?? 0) - (a.tried ?? 0) || a.value.localeCompare(b.value, "en"),
  );
}

function failedBy({ byKey, counts }: VersionHealth, by: Dimension): Map<string, number> {
  if (by === "error") return new Map(counts.errors);
  return summed(byKey.map((count) => [by === "alias" ? count.alias : count.type, count.failed]));
}

function triedBy({ byKey }: VersionHealth, by: Dimension): Map<string, number> {
  if (by === "error") return new Map();
  return summed(byKey.map((count) => [by === "alias" ? count.alias : count.type, count.firsts]));
}

function estimated(
  { component, version, counts }: VersionHealth,
  by: keyof Subject,
  exposures: readonly Exposure[],
): Map<string, number> {
  const own = exposures.filter((exposure) => exposure.component === component && exposure.version === version);
  const seen = countBy(own, subjectValue(by));
  return new Map([...seen].map(([value, count]) => [value, (count / own.length) * counts.firsts]));
}

function subjectValue(by: keyof Subject): (of: { subject: Subject }) => string {
  return ({ subject }) => subject[by] ?? "";
}

function countBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, number> {
  return summed(all.map((one) => [keyOf(one), 1]));
}

function summed(all: readonly (readonly [string, number])[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [key, count] of all) if (count > 0) sums.set(key, (sums.get(key) ?? 0) + count);
  return sums;
}
