import { en } from "zod/locales";
import * as z from "zod/mini";

// zod/mini ships without message texts; without this every problem reads "Invalid input". Not `z.locales`: that would put
// all its languages into a bundle.
z.config({ ...en(), customError: problemText });

/** A value read from outside: either the value in its type, or one sentence per problem with its path. */
export type Read<T> = { ok: true; value: T } | { ok: false; problem: string };

/** Parses `input` against `schema`. `where` is put before every path, e.g. `detail.metadata`. */
export function read<T>(schema: z.ZodMiniType<T>, input: unknown, where = ""): Read<T> {
  const result = schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problem: result.error.issues.map((issue) => describe(issue, where)).join("; ") };
}

/**
 * The same as `read` for what every event runs through: what is known to be right is taken as it is, at a tenth of the
 * cost.
 * @param isKnown true only of what the schema takes and leaves as it is
 */
export function readKnown<T>(
  schema: z.ZodMiniType<T>,
  isKnown: (input: unknown) => input is T,
  input: unknown,
  where = "",
): Read<T> {
  return isKnown(input) ? { ok: true, value: input } : read(schema, input, where);
}

/** Parses JSON text. The problem carries the parser's own words, which name the position. */
export function readJson(text: string): Read<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, problem: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The fields of an object in JSON; none where the text is something else. */
export function jsonFields(text: string): Record<string, unknown> {
  const json = readJson(text);
  return json.ok && typeof json.value === "object" && json.value !== null ? { ...json.value } : {};
}

function describe(issue: z.core.$ZodIssue, where: string): string {
  const path = [where, ...issue.path.map(String)].filter((part) => part !== "").join(".");
  // A bad key is told with the reason why it is one, not just as "Invalid key in record".
  const [cause = issue] = issue.code === "invalid_key" ? issue.issues : [];
  const message = cause.message.replace(/^Invalid input: /, "");
  return path === "" ? message : `${path}: ${message}`;
}

/** Problems in words rather than in signs and expressions; undefined for those that zod words well. */
function problemText(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "too_small":
      if (issue.origin === "string" && issue.minimum === 1) return "can't be empty";
      return `expected at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `expected at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "unrecognized_keys": {
      const names = issue.keys.map((name) => `'${name}'`).join(", ");
      return issue.keys.length === 1 ? `there is no field ${names}` : `there are no fields ${names}`;
    }
    case "invalid_value":
      return `expected ${alternatives(issue.values)}`;
    case "invalid_union":
      return Array.isArray(issue.options) ? `expected ${alternatives(issue.options)}` : undefined;
    case "invalid_type":
      return issue.input === undefined ? "it is missing" : `expected ${inWords(issue.expected)}${otherKind(issue)}`;
    case "invalid_format":
      return "it isn't written as such a text is";
    default:
      return undefined;
  }
}

/** What zod names by a type's name, where that isn't a word for what is to be written. */
const WORDS: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function inWords(type: string): string {
  return WORDS[type] ?? type;
}

/** What it is instead; nothing for a number that isn't whole. */
function otherKind({ expected, input }: { expected: string; input?: unknown }): string {
  if (expected === "int" && typeof input === "number") return "";
  if (input === null || Number.isNaN(input)) return `, not ${input}`;
  // As JSON has it, too large for any: 1e400.
  if (typeof input === "number" && !Number.isFinite(input)) return ", not an infinite one";
  return `, not ${inWords(Array.isArray(input) ? "array" : typeof input === "boolean" ? String(input) : typeof input)}`;
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " elements" : "";
}

/** E.g. `'sync' or 'async'`. */
function alternatives(values: readonly z.core.util.Primitive[]): string {
  const quoted = values.map((value) => (typeof value === "string" ? `'${value}'` : String(value)));
  const last = quoted.pop() ?? "nothing";
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`;
}

/** An instant as ISO 8601 in UTC with milliseconds and a year of four digits, the one form in which texts sort by time. */
export const Instant = z.iso.datetime({
  precision: 3,
  error: ({ code }) => (code === "invalid_format" ? "expected an instant such as 2026-11-20T10:00:00.000Z" : undefined),
});
export type Instant = z.infer<typeof Instant>;

/** A lower-case name that is safe in keys, ARNs, file names and URLs. */
export function nameSchema(what: string, maxLength: number) {
  return z
    .string()
    .check(
      z.regex(
        new RegExp(`^[a-z0-9](?:[a-z0-9-]{0,${maxLength - 2}}[a-z0-9])?$`),
        `${what} has 1 to ${maxLength} lower-case letters, digits and inner hyphens`,
      ),
    );
}

/** The record's own entry: a name such as `constructor` finds nothing that isn't there. */
export function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/**
 * A record with keys and values of these kinds. Refuses a key named `__proto__`, which zod's own record leaves out without
 * a word: what was read would not be what was written.
 */
export function recordOf<K extends z.core.$ZodRecordKey, V extends z.ZodMiniType>(keys: K, values: V) {
  const own = z.custom<Record<string, unknown>>(
    (record) => typeof record !== "object" || record === null || !Object.hasOwn(record, "__proto__"),
    "a key can't be '__proto__'",
  );
  return z.pipe(own, z.record(keys, values) as z.ZodMiniRecord<K, V>);
}
