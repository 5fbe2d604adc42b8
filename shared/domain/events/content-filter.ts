import { own, type Read } from "../text/schema.ts";
import { isInIpRange, readIpRange } from "./ip-range.ts";
import { inAnyCase, inAnyCaseAtEnd, piecesInOrder, type TextTest } from "./text-match.ts";

/**
 * Whether a value in an event passes: text, a number, a boolean or null. `undefined` stands for a field without any
 * value; of all filters only `exists: false` passes it.
 */
export type ContentTest = (value: unknown) => boolean;

type Compile<T> = (operand: unknown, path: string) => Read<T>;
type CompileText = (text: string, path: string) => Read<TextTest>;

/** The operators that `anything-but` takes as well. */
const textOperators = {
  prefix: (prefix: string) => ok((text) => text.startsWith(prefix)),
  suffix: (suffix: string) => ok((text) => text.endsWith(suffix)),
  "equals-ignore-case": (other: string) => {
    const endOf = inAnyCase(other);
    return ok((text) => endOf(text) === text.length);
  },
  wildcard: compileWildcard,
} satisfies Record<string, CompileText>;

const operators: Record<string, Compile<ContentTest>> = {
  prefix: affix(textOperators.prefix, inAnyCase),
  suffix: affix(textOperators.suffix, inAnyCaseAtEnd),
  "equals-ignore-case": (operand, path) => onText(compileText(textOperators["equals-ignore-case"], operand, path)),
  wildcard: (operand, path) => onText(compileText(textOperators.wildcard, operand, path)),
  "anything-but": compileAnythingBut,
  numeric: compileNumeric,
  exists: (operand, path) => {
    if (typeof operand !== "boolean") return refused(path, `must be true or false, not ${kindOf(operand)}`);
    return ok((value) => (value !== undefined) === operand);
  },
  cidr: (operand, path) => {
    if (typeof operand !== "string") return refused(path, `must be text such as "10.0.0.0/24", not ${kindOf(operand)}`);
    const range = readIpRange(operand);
    if (!range.ok) return refused(path, range.problem);
    return ok((value) => typeof value === "string" && isInIpRange(range.value, value));
  },
};

/** Compiles one operator with its operand, e.g. `{ "prefix": "us-" }`. The problem begins with its path. */
export function compileContentFilter(filter: object, path: string): Read<ContentTest> {
  return compileSingleKey(filter, path, operators);
}

/** What a value is, in the words of a problem. */
export function kindOf(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value === "string") return "text";
  return typeof value === "number" ? "a number" : "an object";
}

/** A problem that begins with where it is. */
export function refused(path: string, problem: string): { ok: false; problem: string } {
  return { ok: false, problem: `${path === "" ? "the pattern" : path} ${problem}` };
}

function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

function compileSingleKey<T>(filter: object, path: string, known: Record<string, Compile<T>>): Read<T> {
  const [entry, ...more] = Object.entries(filter);
  const names = Object.keys(known).join(", ");
  if (entry === undefined) return refused(path, `is an empty object; name one operator of ${names}`);
  if (more.length > 0) {
    return refused(
      path,
      "has more than one operator; write each in an object of its own, which makes them alternatives",
    );
  }
  const [name, operand] = entry;
  const compile = own(known, name);
  if (compile === undefined)
    return refused(path, `has the unknown operator ${JSON.stringify(name)}; use one of ${names}`);
  return compile(operand, `${path}.${name}`);
}

function compileText(compile: CompileText, operand: unknown, path: string): Read<TextTest> {
  if (typeof operand !== "string") return refused(path, `must be text, not ${kindOf(operand)}`);
  return compile(operand, path);
}

function onText(test: Read<TextTest>): Read<ContentTest> {
  if (!test.ok) return test;
  return ok((value) => typeof value === "string" && test.value(value));
}

/** `prefix` or `suffix`, of plain text or of `{ "equals-ignore-case": text }`. */
function affix(plain: CompileText, placeOf: (other: string) => (text: string) => number): Compile<ContentTest> {
  const anyCase: Record<string, Compile<TextTest>> = {
    "equals-ignore-case": (operand, path) =>
      compileText(
        (other) => {
          const find = placeOf(other);
          return ok((text) => find(text) !== -1);
        },
        operand,
        path,
      ),
  };
  return (operand, path) =>
    onText(isPlainObject(operand) ? compileSingleKey(operand, path, anyCase) : compileText(plain, operand, path));
}

function compileAnythingBut(operand: unknown, path: string): Read<ContentTest> {
  if (isPlainObject(operand)) return compileSingleKey(operand, path, anythingButText);
  const values: unknown[] = Array.isArray(operand) ? operand : [operand];
  if (values.length === 0) return refused(path, "is an empty array; list the values that don't match");
  const at = values.findIndex((value) => typeof value === "number" && !Number.isFinite(value));
  if (at >= 0) {
    return refused(
      Array.isArray(operand) ? `${path}[${at}]` : path,
      "is a number too large to compare; match it as text",
    );
  }
  for (const type of ["string", "number"]) {
    if (values.every((value) => typeof value === type)) {
      const excluded = new Set(values);
      return ok((value) => value !== undefined && !excluded.has(value));
    }
  }
  return refused(
    path,
    "must be text, a number, or a list of only texts or only numbers; null, true and false can't stand in it",
  );
}

const anythingButText: Record<string, Compile<ContentTest>> = Object.fromEntries(
  Object.entries(textOperators).map(([name, compile]) => [
    name,
    (operand, path) => noneOf(compile, name === "prefix" || name === "suffix", operand, path),
  ]),
);

function noneOf(compile: CompileText, isAffix: boolean, operand: unknown, path: string): Read<ContentTest> {
  const tests: TextTest[] = [];
  const listed = Array.isArray(operand);
  const texts: unknown[] = listed ? operand : [operand];
  if (texts.length === 0) return refused(path, "is an empty array; list the texts that don't match");
  for (const [index, text] of texts.entries()) {
    const at = listed ? `${path}[${index}]` : path;
    if (text === "" && isAffix) {
      return refused(at, "is empty, which every text begins and ends with; give it at least one character");
    }
    const test = compileText(compile, text, at);
    if (!test.ok) return test;
    tests.push(test.value);
  }
  return ok((value) => {
    if (typeof value !== "string") return value !== undefined;
    for (const test of tests) {
      if (test(value)) return false;
    }
    return true;
  });
}

type NumberTest = (value: number) => boolean;

const comparisons: Record<string, (limit: number) => NumberTest> = {
  "=": (limit) => (value) => value === limit,
  "<": (limit) => (value) => value < limit,
  "<=": (limit) => (value) => value <= limit,
  ">": (limit) => (value) => value > limit,
  ">=": (limit) => (value) => value >= limit,
};

function compileNumeric(operand: unknown, path: string): Read<ContentTest> {
  const terms: unknown[] = Array.isArray(operand) ? operand : [];
  if (terms.length !== 2 && terms.length !== 4) {
    return refused(path, 'must be an operator and a number, or a range such as [">", 0, "<=", 5]');
  }
  const tests: NumberTest[] = [];
  for (let index = 0; index < terms.length; index += 2) {
    const [operator, limit] = terms.slice(index);
    const compare = typeof operator === "string" ? own(comparisons, operator) : undefined;
    if (compare === undefined) return refused(`${path}[${index}]`, "must be one of =, <, <=, > and >=");
    if (typeof limit !== "number" || !Number.isFinite(limit)) {
      return refused(`${path}[${index + 1}]`, `must be a finite number, not ${kindOf(limit)}`);
    }
    tests.push(compare(limit));
  }
  const [from, bottom, to, top] = terms;
  if (terms.length === 4 && !(String(from).startsWith(">") && String(to).startsWith("<"))) {
    return refused(path, "must name the lower end of a range first, with > or >=, then the upper end, with < or <=");
  }
  if (terms.length === 4 && Number(bottom) >= Number(top)) {
    return refused(path, "matches nothing or a single number; give it a lower end below its upper end, or use =");
  }
  return ok((value) => {
    if (typeof value !== "number") return false;
    for (const test of tests) {
      if (!test(value)) return false;
    }
    return true;
  });
}

function compileWildcard(pattern: string, path: string): Read<TextTest> {
  const pieces = [""];
  for (let index = 0; index < pattern.length; index++) {
    const next = pattern[index + 1];
    if (pattern[index] === "*") {
      if (next === "*") return refused(path, "has two wildcards in a row; write one *, or \\* for an asterisk");
      pieces.push("");
    } else {
      const escapes = pattern[index] === "\\";
      if (escapes && next !== "*" && next !== "\\") {
        return refused(path, "has a backslash that escapes neither * nor \\; write \\\\ for a backslash");
      }
      if (escapes) index++;
      pieces.push((pieces.pop() ?? "") + pattern[index]);
    }
  }
  return ok(piecesInOrder(pieces));
}

function isPlainObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
