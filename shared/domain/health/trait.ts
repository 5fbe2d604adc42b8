import type { OutcomeFilter } from "../deliveries/event-outcome.ts";
import { compileEventPattern, type EventPattern } from "../events/event-pattern.ts";
import type { Because } from "../routing/decide-route.ts";

/** What every delivery has one value of, those that a pin acts on first. */
export const factDimensions = ["customer", "project", "user", "plan", "type", "version", "alias", "because"] as const;
export type FactDimension = (typeof factDimensions)[number];

/** A value at the end of a path into an event. */
export type Leaf = string | number | boolean | null;

/**
 * One value of one dimension, which deliveries may have in common. Of a fact an empty value stands for none; of a path
 * `undefined` says that the event has nothing there. A path names fields: whatever stands in an array counts as one of them.
 */
export type Trait =
  | { of: FactDimension; value: string }
  | { of: "path"; path: readonly string[]; value: Leaf | undefined };

/** As a person reads it: `customer acme`, `detail.repository.private = true`, `detail.ref is missing`. */
export function traitText(trait: Trait): string {
  if (trait.of !== "path") return trait.value === "" ? `no ${trait.of}` : `${trait.of} ${trait.value}`;
  const path = pathText(trait.path);
  return trait.value === undefined ? `${path} is missing` : `${path} = ${JSON.stringify(trait.value)}`;
}

/** `detail.repository.private`, and `detail["full name"]` where a name isn't a plain word. */
function pathText(path: readonly string[]): string {
  return path.reduce((text, name) => {
    if (!/^[\w$-]+$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === "" ? name : `${text}.${name}`;
  }, "");
}

/** What lets through the deliveries that have all of these; undefined where no filter says just that. */
export function traitFilter(traits: readonly Trait[]): OutcomeFilter | undefined {
  let pattern: EventPattern = {};
  const filter: OutcomeFilter = {};
  for (const trait of traits) {
    const wanted = patternOf(trait);
    if (wanted !== undefined) {
      const both = merged(pattern, wanted);
      if (both === undefined) return undefined;
      pattern = both;
    } else if (!addFact(filter, trait)) return undefined;
  }
  if (Object.keys(pattern).length === 0) return filter;
  return compileEventPattern(pattern).ok ? { ...filter, pattern } : undefined;
}

function addFact(filter: OutcomeFilter, { of, value }: Trait): boolean {
  // Nothing can be asked for that has none.
  if (typeof value !== "string" || value === "" || of === "path" || of === "type") return false;
  if (of === "version") filter.executedVersion = value;
  else if (of === "because") filter.because = value as Because;
  else filter[of] = value;
  return true;
}

function patternOf(trait: Trait): EventPattern | undefined {
  if (trait.of === "type" && trait.value !== "") return { "detail-type": [trait.value] };
  if (trait.of !== "path") return undefined;
  const leaf: unknown = [trait.value === undefined ? { exists: false } : trait.value];
  return trait.path.reduceRight((inner, name) => ({ [name]: inner }), leaf) as EventPattern;
}

/** Both of them; undefined where both say something of the same field. */
function merged(a: EventPattern, b: EventPattern): EventPattern | undefined {
  const both = new Map(Object.entries(a));
  for (const [name, theirs] of Object.entries(b)) {
    const ours = both.get(name);
    if (Array.isArray(ours) || Array.isArray(theirs)) {
      if (ours !== undefined) return undefined;
      both.set(name, theirs);
      continue;
    }
    const inner = ours === undefined ? theirs : merged(ours as EventPattern, theirs as EventPattern);
    if (inner === undefined) return undefined;
    both.set(name, inner);
  }
  return Object.fromEntries(both);
}
