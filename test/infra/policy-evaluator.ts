import { readable } from "./granted.ts";
import type { Resource } from "./synthesized.ts";

/** Something that somebody asks AWS for, with what IAM knows about it. Keys that a request doesn't have aren't there. */
export type AwsRequest = { action: string; on: string; context?: Record<string, string | readonly string[]> };

type Conditions = Record<string, Record<string, unknown>>;
type Statement = { Effect: string; Action: string | string[]; Resource: unknown; Condition?: Conditions };
type Context = NonNullable<AwsRequest["context"]>;

/**
 * Evaluates policies as IAM's documentation says: a statement that denies wins, one that allows is needed. It knows the
 * condition operators that Turnout's policies use, and throws at any other. What a service puts into a request's context
 * only an account shows.
 */
export function isAllowed(policies: readonly Resource[], { action, on, context = {} }: AwsRequest): boolean {
  const applying = policies
    .flatMap(({ properties }) => (properties.PolicyDocument as { Statement: Statement[] }).Statement)
    .filter(({ Action, Resource, Condition = {} }) => {
      const isMeant = [Action].flat().includes(action) && [Resource].flat().some((one) => like(readable(one), on));
      return isMeant && holds(Condition, context);
    });
  return applying.length > 0 && applying.every(({ Effect }) => Effect === "Allow");
}

function holds(conditions: Conditions, context: Context): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, expected]) => holdsFor(operator, context[key], [expected].flat(), context)),
  );
}

function holdsFor(operator: string, actual: Context[string] | undefined, expected: unknown[], context: Context) {
  const [quantifier, comparison] = operator.includes(":") ? operator.split(":") : [undefined, operator];
  const values = actual === undefined ? [] : [actual].flat();
  if (comparison === "Null") return expected.includes(String(actual === undefined));
  if (comparison !== "StringEquals" && comparison !== "StringLike") throw new Error(`unknown operator ${operator}`);
  const patterns = expected.flatMap((one) => withVariables(String(one), context));
  const fits = (value: string) =>
    patterns.some((pattern) => (comparison === "StringLike" ? like(pattern, value) : pattern === value));
  // With no values at all the one is true, and the other false.
  if (quantifier === "ForAllValues") return values.every(fits);
  if (quantifier === "ForAnyValue") return values.some(fits);
  return values.length === 1 && values.every(fits);
}

/** None where a variable has no value: the condition then holds for nothing. */
function withVariables(pattern: string, context: Context): string[] {
  const names = [...pattern.matchAll(/\$\{([^}]+)\}/g)].map(([, name = ""]) => name);
  if (names.some((name) => context[name] === undefined)) return [];
  return [pattern.replace(/\$\{([^}]+)\}/g, (_, name: string) => String(context[name]))];
}

function like(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(text);
}
