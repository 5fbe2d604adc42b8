import type { Because } from "../routing/decide-route.ts";
import type { Subject } from "../subject.ts";
import { type FactDimension, factDimensions, type Leaf, type Trait } from "./trait.ts";

/** A first attempt that is compared with others. */
export type Case = {
  failed: boolean;
  at: Date;
  type: string;
  version: string;
  alias: string;
  because: Because;
  subject: Subject;
  /** The event, parsed; undefined where it can't be had, or is too large to be looked into. */
  event?: object;
};

/** A trait, and the cases that have it, by their numbers, in order. */
export type IndexedTrait = {
  trait: Trait;
  cases: readonly number[];
  /** How many names of a path lead to the first array on it, where there is one. */
  arrayAt?: number;
};

/** What was left out, so that memory is bounded whatever events look like. */
export type LeftOut = { events: number; paths: number; values: number };

/** A larger event isn't looked into. */
export const MAX_EVENT_CHARS = 262_144;

/** Deepest field that is looked at, and fields and elements of one event. One that has more isn't looked into. */
const MAX_DEPTH = 12;
const MAX_NODES = 3_000;

/** Paths and values that are told apart. What comes beyond them is left out of all events alike. */
const MAX_PATHS = 2_000;
const MAX_VALUES = 100_000;

/** A longer value isn't compared: nobody could type it into a filter. */
const MAX_VALUE_CHARS = 200;

/** Each event has its own, or it is told by a fact. */
const UNCOMPARED = new Set(["id", "time", "version", "detail-type"]);
const UNCOMPARED_METADATA = new Set(["idempotencyKey", "project", "customer", "plan", "user", "traceparent"]);

/** A field of events, by its path. */
type Field = {
  path: readonly string[];
  arrayAt?: number;
  fields: Map<string, Field>;
  /** The cases that have a value here, and those that have each value. */
  present: number[];
  values: Map<Leaf, number[]>;
};

/**
 * Which cases have what in common. A case whose event can't be looked into has facts only, and isn't among `readable`:
 * whether it has a value at a path is not known.
 */
export function traitIndex() {
  const cases: Pick<Case, "failed" | "at">[] = [];
  const readable: number[] = [];
  const facts = new Map<FactDimension, Map<string, number[]>>(factDimensions.map((of) => [of, new Map()]));
  const root = fieldAt([]);
  const left: LeftOut = { events: 0, paths: 0, values: 0 };
  const fields: Field[] = [];
  let valueCount = 0;

  function fieldIn(parent: Field, name: string): Field | undefined {
    const known = parent.fields.get(name);
    if (known !== undefined) return known;
    if (fields.length >= MAX_PATHS) {
      left.paths += 1;
      return undefined;
    }
    const field = fieldAt([...parent.path, name], parent.arrayAt);
    parent.fields.set(name, field);
    fields.push(field);
    return field;
  }

  function addValue(field: Field, value: Leaf, index: number): void {
    addOnce(field.present, index);
    if (typeof value === "string" && value.length > MAX_VALUE_CHARS) {
      left.values += 1;
      return;
    }
    const having = field.values.get(value);
    if (having !== undefined) addOnce(having, index);
    else if (valueCount >= MAX_VALUES) left.values += 1;
    else {
      valueCount += 1;
      field.values.set(value, [index]);
    }
  }

  function addEvent(event: object, index: number): boolean {
    const found: [Field, Leaf][] = [];
    if (!collect(event, root, fieldIn, found)) return false;
    for (const [field, value] of found) addValue(field, value, index);
    readable.push(index);
    return true;
  }

  return {
    add({ failed, at, event, ...about }: Case): void {
      const index = cases.push({ failed, at }) - 1;
      for (const of of factDimensions) {
        const value = factOf(about, of);
        const values = facts.get(of);
        const having = values?.get(value);
        if (having === undefined) values?.set(value, [index]);
        else having.push(index);
      }
      if (event === undefined || !addEvent(event, index)) left.events += 1;
    },
    cases: cases as readonly Pick<Case, "failed" | "at">[],
    readable: readable as readonly number[],
    left: left as Readonly<LeftOut>,
    *traits(): Generator<IndexedTrait> {
      for (const [of, values] of facts)
        for (const [value, having] of values) yield { trait: { of, value }, cases: having };
      for (const { path, present, values, arrayAt } of fields) {
        const array = arrayAt === undefined ? {} : { arrayAt };
        for (const [value, having] of values) yield { trait: { of: "path", path, value }, cases: having, ...array };
        if (present.length === 0 || present.length === readable.length) continue;
        const here = new Set(present);
        const missing = readable.filter((index) => !here.has(index));
        yield { trait: { of: "path", path, value: undefined }, cases: missing, ...array };
      }
    },
  };
}

export type TraitIndex = ReturnType<typeof traitIndex>;

function fieldAt(path: readonly string[], arrayAt?: number): Field {
  return { path, ...(arrayAt !== undefined && { arrayAt }), fields: new Map(), present: [], values: new Map() };
}

function factOf({ subject, ...about }: Omit<Case, "failed" | "at" | "event">, of: FactDimension): string {
  switch (of) {
    case "customer":
    case "project":
    case "user":
    case "plan":
      return subject[of] ?? "";
    default:
      return about[of];
  }
}

/** The values of an event by their fields; false for one that has too many. */
function collect(
  event: object,
  root: Field,
  fieldIn: (parent: Field, name: string) => Field | undefined,
  found: [Field, Leaf][],
): boolean {
  let nodes = 0;
  const walk = (value: unknown, field: Field): boolean => {
    nodes += 1;
    if (nodes > MAX_NODES) return false;
    if (Array.isArray(value)) {
      markArray(field);
      return value.every((element) => walk(element, field));
    }
    if (typeof value !== "object" || value === null) {
      found.push([field, value as Leaf]);
      return true;
    }
    if (field.path.length >= MAX_DEPTH) return true;
    return Object.entries(value).every(([name, inner]) => {
      if (isUncompared(field.path, name)) return true;
      const child = fieldIn(field, name);
      return child === undefined || walk(inner, child);
    });
  };
  return walk(event, root);
}

/** Fields below it may have been met before it was an array. */
function markArray(field: Field): void {
  if (field.arrayAt !== undefined) return;
  const marked = [field];
  for (const one of marked) {
    if (one.arrayAt === undefined || one.arrayAt > field.path.length) one.arrayAt = field.path.length;
    marked.push(...one.fields.values());
  }
}

function isUncompared(path: readonly string[], name: string): boolean {
  if (path.length === 0) return UNCOMPARED.has(name);
  return path.length === 2 && path[0] === "detail" && path[1] === "metadata" && UNCOMPARED_METADATA.has(name);
}

function addOnce(cases: number[], index: number): void {
  if (cases.at(-1) !== index) cases.push(index);
}
