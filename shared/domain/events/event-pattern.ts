import type { Read } from "../text/schema.ts";
import { type ContentTest, compileContentFilter, kindOf, refused } from "./content-filter.ts";

/** Which events are wanted, in EventBridge's event pattern language. Trust it only once it compiles. */
export type EventPattern = Record<string, unknown>;

/** Whether a parsed JSON event matches. Costs at most pattern size × event size, and allocates only for `cidr`. */
export type CompiledPattern = (event: object) => boolean;

/** Deepest nesting of a pattern, the objects inside `$or` included. */
export const MAX_PATTERN_DEPTH = 64;

/**
 * Compiles an event pattern as EventBridge documents it, or says in one sentence what is wrong, where, and what to do.
 * Never throws on JSON. Source: the EventBridge user guide, "Comparison operators for use in event patterns", and
 * aws/event-ruler 2.1.0, with these differences:
 *
 * - A name with a dot is one field's name; `"a.b"` is not a path.
 * - A field named both inside and beside `$or` must satisfy both, each on its own; event-ruler lets one replace the
 *   other, wants the same element of an array for both, and misses some events when alternatives overlap.
 * - Numbers are compared as JavaScript holds them, so integers beyond 2^53 equal their neighbours. For event-ruler a
 *   number that a double doesn't hold is none: too many digits, beyond 1.8e308, or nearer to 0 than 5e-324. No range has it,
 *   and it equals its own text only. Here one too large is beyond every limit, and refused in a pattern; one too small is 0.
 * - In an array of objects, fields that stand together in the pattern hold in one element, `exists: false` beside
 *   other fields included. event-ruler looks at every element if the absent name is alphabetically the first.
 *   Absence alone must hold in every element, as in event-ruler.
 * - Text that is an IP address is matched as text unless `cidr` asks; event-ruler takes `::1` and `0:0:0:0:0:0:0:1` for
 *   equal, and `10.0.0.1` and `10.0.0.01`.
 * - A `cidr` has the addresses of its family. In event-ruler `/0`, and a short IPv6 prefix, let numbers and addresses of the
 *   other family pass; and an address whose tail is written as IPv4 (`::ffff:10.0.0.1`, `64:ff9b::10.0.0.1`) is in none. A
 *   network may be written so too, but its prefix length has digits alone: event-ruler takes `/+8`.
 * - `equals-ignore-case` finds any character in the case in which the pattern has it. In event-ruler one of beyond the
 *   BMP (`𐐨`), or in title case (`ǅ`), doesn't even equal itself. Other cases of those beyond the BMP are found by neither.
 * - Half a surrogate pair equals itself; for event-ruler it is a question mark.
 * - A field may have an empty name anywhere; event-ruler finds one at the top only.
 * - No limits on a pattern's size, on wildcards or on the combinations of `$or`: matching never multiplies them out.
 * - event-ruler's undocumented operator `exactly` is unknown.
 */
export function compileEventPattern(
  pattern: unknown,
): { ok: true; matches: CompiledPattern } | { ok: false; problem: string } {
  const judge = compileFields(pattern, { path: "", depth: 1, inOr: false });
  if (!judge.ok) return judge;
  const judgeEvent = judge.value;
  return { ok: true, matches: (event) => judgeEvent(event) !== NO };
}

/** What one value says to a part of the pattern: no, yes since there is nothing there, or yes for what is there. */
type Verdict = typeof NO | typeof ABSENT | typeof PRESENT;
const NO = 0;
const ABSENT = 1;
const PRESENT = 2;

/** Judges a value in the event; `undefined` is a missing one. */
type Judge = (value: unknown) => Verdict;
type JudgeFields = (fields: object) => Verdict;
type Place = { path: string; depth: number; inOr: boolean };

const EMPTY = Object.freeze({});

function compileFields(pattern: unknown, place: Place): Read<JudgeFields> {
  if (!isObject(pattern)) return refused(place.path, `must be an object of fields, not ${kindOf(pattern)}`);
  if (place.depth > MAX_PATTERN_DEPTH) {
    return refused(place.path, `is nested deeper than ${MAX_PATTERN_DEPTH} levels; match a field nearer to the top`);
  }
  const names = Object.keys(pattern);
  if (names.length === 0) return refused(place.path, 'is an empty object; name a field, such as "source": ["my.app"]');
  const judges: JudgeFields[] = [];
  for (const name of names) {
    const judge = name === "$or" ? compileOr(pattern[name], place) : compileField(name, pattern[name], place);
    if (!judge.ok) return judge;
    judges.push(judge.value);
  }
  return { ok: true, value: allOf(judges) };
}

function allOf(judges: JudgeFields[]): JudgeFields {
  return (fields) => {
    let verdict: Verdict = ABSENT;
    for (const judge of judges) {
      const one = judge(fields);
      if (one === NO) return NO;
      if (one === PRESENT) verdict = PRESENT;
    }
    return verdict;
  };
}

/** Names that EventBridge doesn't take for fields inside `$or`: its operators, and what it keeps for later. */
const reservedInOr = new Set([
  ...["exactly", "prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "exists", "cidr", "regex"],
  ...["numeric", "=", "<", "<=", ">", ">=", "not-wildcard", "not-equals-ignore-case"],
  ...["date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"],
  ...["ip-address-in-range", "ip-address-not-in-range"],
]);

function compileOr(alternatives: unknown, place: Place): Read<JudgeFields> {
  const path = pathTo(place.path, "$or");
  if (!Array.isArray(alternatives) || alternatives.length < 2) {
    return refused(path, "must be an array of at least two objects, any of which may match; a single one needs no $or");
  }
  const judges: JudgeFields[] = [];
  for (const [index, alternative] of alternatives.entries()) {
    const inside = { path: `${path}[${index}]`, depth: place.depth + 1, inOr: true };
    const judge = compileFields(alternative, inside);
    if (!judge.ok) return judge;
    judges.push(judge.value);
  }
  return { ok: true, value: anyOf(judges) };
}

function anyOf(judges: JudgeFields[]): JudgeFields {
  return (fields) => {
    let best: Verdict = NO;
    for (const judge of judges) {
      const one = judge(fields);
      if (one === PRESENT) return PRESENT;
      if (one === ABSENT) best = ABSENT;
    }
    return best;
  };
}

function compileField(name: string, pattern: unknown, place: Place): Read<JudgeFields> {
  const path = pathTo(place.path, name);
  if (place.inOr && reservedInOr.has(name)) {
    return refused(path, "is an operator's name, which can't be a field inside $or; put operators in a field's array");
  }
  const judge = compileValue(pattern, { ...place, path, depth: place.depth + 1 });
  if (!judge.ok) return judge;
  const judgeValue = judge.value;
  // Own properties only: `constructor` or `__proto__` in a pattern must not find what every object inherits.
  return {
    ok: true,
    value: (fields) => judgeValue(Object.hasOwn(fields, name) ? (fields as EventPattern)[name] : undefined),
  };
}

function compileValue(pattern: unknown, place: Place): Read<Judge> {
  if (Array.isArray(pattern)) return compileLeaf(pattern, place.path);
  if (isObject(pattern)) {
    const fields = compileFields(pattern, place);
    return fields.ok ? { ok: true, value: nested(fields.value) } : fields;
  }
  return refused(place.path, `must be an array of what may match, or an object of fields, not ${kindOf(pattern)}`);
}

function nested(judgeFields: JudgeFields): Judge {
  const missing = judgeFields(EMPTY);
  const judge: Judge = (value) => {
    if (typeof value !== "object" || value === null) return missing;
    if (!Array.isArray(value)) return judgeFields(value);
    // What is there need be in one element only; what is to be absent must be absent from all of them.
    let verdict = missing;
    for (const element of value) {
      const one = judge(element);
      if (one === PRESENT) return PRESENT;
      if (one === NO) verdict = NO;
    }
    return verdict;
  };
  return judge;
}

function compileLeaf(alternatives: unknown[], path: string): Read<Judge> {
  if (alternatives.length === 0) return refused(path, "is an empty array; list the values that match");
  const exact = new Set<unknown>();
  const tests: ContentTest[] = [];
  for (const [index, alternative] of alternatives.entries()) {
    const at = `${path}[${index}]`;
    if (isObject(alternative)) {
      const test = compileContentFilter(alternative, at);
      if (!test.ok) return test;
      tests.push(test.value);
    } else if (Array.isArray(alternative)) {
      return refused(at, "is an array inside an array; list its values in the outer one");
    } else if (typeof alternative === "number" && !Number.isFinite(alternative)) {
      return refused(at, "is a number too large to compare; match it as text");
    } else if (alternative === undefined) {
      return refused(at, 'has no value; write { "exists": false } for a missing field');
    } else {
      exact.add(alternative);
    }
  }
  if (exact.size > 0) tests.unshift((value) => exact.has(value));
  return { ok: true, value: leaf(tests) };
}

function leaf(tests: ContentTest[]): Judge {
  const passes: ContentTest = (value) => {
    for (const test of tests) {
      if (test(value)) return true;
    }
    return false;
  };
  const missing = passes(undefined) ? ABSENT : NO;
  return (value) => {
    if (hasPassing(value, passes)) return PRESENT;
    return missing === ABSENT && !hasPassing(value, isAnything) ? ABSENT : NO;
  };
}

const isAnything: ContentTest = () => true;

/** Whether the value, or one in an array of whatever depth, passes. Objects hold fields, which are no values. */
function hasPassing(value: unknown, passes: ContentTest): boolean {
  if (typeof value !== "object" || value === null) return value !== undefined && passes(value);
  if (!Array.isArray(value)) return false;
  for (const element of value) {
    if (hasPassing(element, passes)) return true;
  }
  return false;
}

function pathTo(path: string, name: string): string {
  if (!/^[\w$-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}

function isObject(value: unknown): value is EventPattern {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
