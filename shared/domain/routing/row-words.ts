import { differences } from "../text/json-differences.ts";
import { own } from "../text/schema.ts";
import { keyInWords, splitKey } from "../text/split-key.ts";
import type { CohortRegister, CohortRoute } from "./cohort.ts";
import type { Component } from "./component.ts";
import type { Period } from "./period.ts";
import type { Pin } from "./pin.ts";
import { type Rollout, shareText } from "./rollout.ts";
import type { RowChange } from "./routing-change.ts";
import { ruleWords } from "./rule-words.ts";
import type { SubjectRow } from "./subject-rows.ts";
import type { TargetAddress } from "./target-address.ts";
import { UnreadableRow } from "./unreadable-row.ts";

/** What changes in a row in people's words, a line each, such as `customer acme: no longer pinned to beta at mailer`. */
export function rowWords(change: RowChange): string[] {
  const { key, before, after } = change;
  const name = keyInWords(key);
  if (before instanceof UnreadableRow) {
    return [`${name} can't be read (${before.problem}): it ${after === null ? "goes" : "is replaced"}`];
  }
  if (key === "settings#cohorts") return cohortWords((before ?? {}) as CohortRegister, (after ?? {}) as CohortRegister);
  const [kind] = splitKey(key);
  if (kind === "component") return componentWords(change, name);
  const words = isSubject(kind) ? subjectWords((before ?? NOBODY) as SubjectRow, (after ?? NOBODY) as SubjectRow) : [];
  if (words.length === 0) words.push(...otherWords(before ?? {}, after ?? {}));
  if (words.length > 0) return words.map((one) => `${name}: ${one}`);
  if (after === null) return [`${name} goes`];
  return before === null ? [`${name} is new`] : [];
}

const NOBODY: SubjectRow = { pins: {}, cohorts: [] };

function isSubject(kind: string): boolean {
  return kind === "user" || kind === "project" || kind === "customer" || kind === "plan";
}

function subjectWords(was: SubjectRow, is: SubjectRow): string[] {
  return [
    ...valueWords("customer", was.customer, is.customer),
    ...valueWords("plan", was.plan, is.plan),
    ...namesIn(was.pins, is.pins).flatMap((component) => {
      return pinWords(component, own(was.pins, component), own(is.pins, component));
    }),
    ...is.cohorts.filter((one) => !was.cohorts.includes(one)).map((cohort) => `joins cohort ${cohort}`),
    ...was.cohorts.filter((one) => !is.cohorts.includes(one)).map((cohort) => `leaves cohort ${cohort}`),
  ];
}

function pinWords(component: string, was: Pin | undefined, is: Pin | undefined): string[] {
  if (is === undefined) return was === undefined ? [] : [`no longer pinned to ${was.alias} at ${component}`];
  if (was !== undefined && differences(was, is).length === 0) return [];
  const before = was === undefined || was.alias === is.alias ? "" : `, before to ${was.alias}`;
  return [`pinned to ${is.alias} at ${component}${periodWords(is)}, by ${is.who}: ${is.why}${before}`];
}

function periodWords({ from, until }: Period): string {
  return `${from === undefined ? "" : ` from ${from}`}${until === undefined ? "" : ` until ${until}`}`;
}

/** Fields of a component that have words of their own; `name` never changes. */
const WORDED = ["name", "aliases", "defaultAlias", "fallbackAlias", "allStable", "cohortRoutes", "rollout"] as const;

/** What `ruleWords` tells of. */
const RULES = ["release", "guards", "badVersions"] as const;

function componentWords(change: RowChange, name: string): string[] {
  const was = change.before as Component | null;
  const is = change.after as Component | null;
  if (is === null) return [`${name} goes`];
  if (was === null) {
    return [`${name} is new, with ${Object.keys(is.aliases).join(", ")}`, ...ruleWords([change])];
  }
  const rules = ruleWords([change]);
  const worded: readonly string[] = [...WORDED, ...(rules.length > 0 ? RULES : [])];
  const words = [
    ...namesIn(was.aliases, is.aliases).flatMap((alias) => aliasWords(alias, was, is)),
    ...valueWords("default alias", was.defaultAlias, is.defaultAlias),
    ...valueWords("fallback alias", was.fallbackAlias, is.fallbackAlias),
    ...allStableWords(was, is),
    ...routeWords(was.cohortRoutes, is.cohortRoutes),
    ...rolloutWords(was.rollout, is.rollout),
    ...rules,
    ...otherWords(without(was, worded), without(is, worded)),
  ];
  return words.map((one) => `${name}: ${one}`);
}

function aliasWords(alias: string, was: Component, is: Component): string[] {
  const [before, after] = [own(was.aliases, alias), own(is.aliases, alias)];
  if (after === undefined) return [`alias ${alias} goes`];
  if (before === undefined) return [`alias ${alias} is new`];
  const isRetired = before.retired !== after.retired;
  return [
    ...(isRetired ? [`alias ${alias} is ${after.retired ? "retired" : "taken back into use"}`] : []),
    ...(differences(before.target, after.target).length === 0
      ? []
      : [`alias ${alias} leads to ${targetText(after.target)}, before to ${targetText(before.target)}`]),
  ];
}

/** E.g. `http https://example.com/v2`. */
function targetText(target: TargetAddress): string {
  return Object.values(target).filter(isSimple).join(" ");
}

function allStableWords({ allStable: was }: Component, { allStable: is, fallbackAlias }: Component): string[] {
  if (is === undefined) return was === undefined ? [] : ["the rules count again, and not all-stable"];
  if (was !== undefined && differences(was, is).length === 0) return [];
  return [`everything goes to ${fallbackAlias}, by ${is.who}: ${is.why}`];
}

function routeWords(was: readonly CohortRoute[], is: readonly CohortRoute[]): string[] {
  const told = (one: CohortRoute) => `cohort ${one.cohort} to ${one.alias}${periodWords(one)}`;
  const [before, after] = [was.map(told), is.map(told)];
  const words = [
    ...after.filter((one) => !before.includes(one)),
    ...before.filter((one) => !after.includes(one)).map((one) => `no longer ${one}`),
  ];
  if (words.length > 0 || before.join() === after.join()) return words;
  return [`cohorts in another order: ${is.map(({ cohort }) => cohort).join(", ")}`];
}

function rolloutWords(was: Rollout | undefined, is: Rollout | undefined): string[] {
  const told = (one: Rollout) => `${shareText(one.basisPoints)} of ${one.by}s to ${one.alias}${periodWords(one)}`;
  if (is === undefined) return was === undefined ? [] : [`no rollout any more, before ${told(was)}`];
  if (was === undefined) return [`rollout of ${told(is)}`];
  if (told(was) !== told(is)) return [`rollout of ${told(is)}, before ${told(was)}`];
  return was.salt === is.salt ? [] : [`rollout of ${told(is)}, drawn anew: others are in it`];
}

function cohortWords(was: CohortRegister, is: CohortRegister): string[] {
  return namesIn(was, is).flatMap((cohort) => {
    const [before, after] = [own(was, cohort), own(is, cohort)];
    if (after === undefined) return [`cohort ${cohort} goes`];
    if (differences(before, after).length === 0) return [];
    return [`cohort ${cohort}${before === undefined ? " is new" : ""}: ${after.description}`];
  });
}

function valueWords(what: string, was: string | undefined, is: string | undefined): string[] {
  if (was === is) return [];
  if (is === undefined) return [`no ${what}, before ${was}`];
  return [was === undefined ? `${what} ${is}` : `${what} ${was} → ${is}`];
}

/** What has no words of its own: simple values, and of others that they are others. */
function otherWords(was: object, is: object): string[] {
  return differences(was, is).map(({ path, before, after }) => {
    const place = path.replaceAll(".", " ");
    if (after === undefined) return `${place} is left out`;
    if (isSimple(after) && (before === undefined || isSimple(before)))
      return before === undefined ? `${place} ${after}` : `${place} ${before} → ${after}`;
    return `${place} is ${before === undefined ? "set" : "another"}`;
  });
}

function isSimple(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

function without(row: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
}

function namesIn(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}
