import {
  AliasNotFound,
  AliasRetired,
  CohortNotFound,
  ComponentNotFound,
  ComponentUnreadable,
  type Objection,
  TurnoutError,
} from "../errors.ts";
import type { EventSource } from "../events/event.ts";
import type { SubjectKey, SubjectLevel } from "../subject.ts";
import { type Instant, own } from "../text/schema.ts";
import type { CohortRegister } from "./cohort.ts";
import { aliasOf, type Component } from "./component.ts";
import { type ComponentChange, changeComponent } from "./component-change.ts";
import { redefined } from "./component-halves.ts";
import { exceeded, freezeObjection, type Guardrails, type Impact, lacksEnd } from "./guardrails.ts";
import { componentListening, type ListenEdit, rowListening } from "./listen-edit.ts";
import type { Period } from "./period.ts";
import type { Pin } from "./pin.ts";
import { type ReleaseEdit, releaseChanges, releaseKeys } from "./release-edit.ts";
import { revertChanges, sameRow } from "./revert-row.ts";
import type { ChangeLogEntry, Row, RowAt, RowChange, RowKey, StoredRow } from "./routing-change.ts";
import { isEmptySubjectRow, type SubjectRow } from "./subject-rows.ts";
import { readable, UnreadableRow } from "./unreadable-row.ts";

/** What the directory is to say of a project or a customer; null takes back what it says. */
export type DirectoryRow =
  | { level: "project"; id: string; customer: string | null }
  | { level: "customer"; id: string; plan: string | null };

/** A row as it is to be, whatever it was. */
export type WantedRow = { key: RowKey; row: Row | null };

/** What an operator asks for, before it is known what it does to the rows. */
export type RoutingEdit =
  | { kind: "pin"; level: SubjectLevel; id: string; component: string; pin: Pin }
  | { kind: "unpin"; level: SubjectLevel; id: string; component: string }
  | { kind: "set customer"; project: string; customer: string | null }
  | { kind: "set plan"; customer: string; plan: string | null }
  /** Each project and customer once; at most `MAX_ROWS_PER_CHANGE` of them can be committed as one change. */
  | { kind: "set directory rows"; rows: readonly DirectoryRow[] }
  /** The definition alone, unless the component is new. */
  | { kind: "apply component"; component: Component }
  | { kind: "remove component"; component: string }
  | { kind: "apply source"; source: EventSource }
  | { kind: "change component"; component: string; change: ComponentChange }
  | ReleaseEdit
  | ListenEdit
  | { kind: "create cohort"; cohort: string; description: string; who: string; at: Instant }
  | { kind: "remove cohort"; cohort: string }
  /** Puts subjects into a cohort, or takes them out; at most `MAX_ROWS_PER_CHANGE` of them in one change. */
  | { kind: "set members"; cohort: string; members: readonly SubjectKey[]; member: boolean }
  | { kind: "set guardrails"; guardrails: Guardrails }
  /** Rows as a whole, as an export has them; null takes one away. At most `MAX_ROWS_PER_CHANGE` in one change. */
  | { kind: "put rows"; rows: readonly WantedRow[] }
  /** Puts what earlier changes did back to what was before them; the newest first. */
  | { kind: "revert"; changes: readonly ChangeLogEntry[] };

/** The rows that an edit looks at or changes. */
export function keysOf(edit: RoutingEdit): RowKey[] {
  switch (edit.kind) {
    case "pin":
    case "unpin":
      return [`${edit.level}#${edit.id}`, `component#${edit.component}`];
    case "set customer":
      return [`project#${edit.project}`];
    case "set plan":
      return [`customer#${edit.customer}`];
    case "set directory rows":
      return edit.rows.map(({ level, id }): RowKey => `${level}#${id}`);
    case "apply component": {
      const cohorts: RowKey[] = edit.component.cohortRoutes.length > 0 ? ["settings#cohorts"] : [];
      return [`component#${edit.component.name}`, ...cohorts];
    }
    case "apply source":
      return [`source#${edit.source.source}`];
    case "remove component":
      return [`component#${edit.component}`];
    case "change component": {
      const cohorts: RowKey[] = "route" in edit.change ? ["settings#cohorts"] : [];
      return [`component#${edit.component}`, ...cohorts];
    }
    case "release":
      return releaseKeys(edit);
    case "listen": {
      const cohorts: RowKey[] = edit.cohorts.length > 0 ? ["settings#cohorts"] : [];
      return [`component#${edit.component}`, ...edit.subjects, ...cohorts];
    }
    case "create cohort":
    case "remove cohort":
      return ["settings#cohorts"];
    case "set members":
      return ["settings#cohorts", ...edit.members];
    case "set guardrails":
      return ["settings#guardrails"];
    case "put rows":
      return edit.rows.map(({ key }) => key);
    case "revert":
      return edit.changes.flatMap(({ rows }) => rows.map(({ key }) => key));
  }
}

/** Neither a guard nor a mark moves anybody. */
const NEVER_REFUSED: ReadonlySet<string> = new Set(["all stable", "guard", "bad version"]);

/** Whether no guardrail may stand in its way: it sends everything to safety, or is a guardrail itself. */
export function isNeverRefused(edit: RoutingEdit): boolean {
  // What a release has moved, it takes back.
  if (edit.kind === "release") return edit.act.do !== "start" && edit.act.do !== "step" && edit.act.do !== "resume";
  if (edit.kind === "change component") return "set" in edit.change && NEVER_REFUSED.has(edit.change.set);
  return edit.kind === "set guardrails";
}

/** What stands against an edit; only force goes past it. None when it may be made. */
export function objectionsTo(edit: RoutingEdit, guardrails: Guardrails, impacts: readonly Impact[]): Objection[] {
  if (isNeverRefused(edit)) return [];
  const { freeze } = guardrails;
  // A freeze lets through what takes something back.
  const frozen = freeze === undefined || edit.kind === "revert" ? [] : [freezeObjection(freeze)];
  const endless = edit.kind === "pin" && lacksEnd(guardrails, edit.pin);
  const noEnd: Objection[] = endless
    ? [{ says: `a pin to ${edit.pin.alias} needs an end`, remedy: { operation: "end pin" } }]
    : [];
  return [...frozen, ...noEnd, ...exceeded(guardrails, impacts).map((says) => ({ says }))];
}

/** Rows by key, all as of one revision. */
export type RowLookup = <K extends RowKey>(key: K) => RowAt<K> | undefined;

/** The same, with those that can't be read: an edit replaces or removes them, and says so by what stood there before. */
export type StoredRowLookup = <K extends RowKey>(key: K) => StoredRow<K> | undefined;

/**
 * The rows that the edit changes; none when everything is so already.
 * @param components names of the known components, for the error when there is no such one
 * @throws ComponentNotFound, AliasNotFound, AliasRetired, CohortNotFound, TurnoutError `not allowed` for a pin that has expired and
 *   for a row that is to be reverted to what couldn't be read
 */
export function applyEdit(
  edit: RoutingEdit,
  stored: StoredRowLookup,
  components: readonly string[],
  now: Date,
): RowChange[] {
  const rowOf: RowLookup = <K extends RowKey>(key: K) => readable(stored(key));
  switch (edit.kind) {
    case "pin": {
      const component = componentIn(stored, edit.component, components);
      checkPin(edit.pin, component, now);
      return changeSubject(`${edit.level}#${edit.id}`, stored, (row) => {
        const before = own(row.pins, edit.component);
        // The same pin again says nothing new: who set it first, and when, stays.
        if (before !== undefined && samePin(before, edit.pin)) return row;
        return { ...row, pins: { ...row.pins, [edit.component]: edit.pin } };
      });
    }
    case "unpin":
      return changeSubject(`${edit.level}#${edit.id}`, stored, (row) => {
        // A pin of a component that is gone can still be taken away; without a pin the name may be misspelt.
        if (own(row.pins, edit.component) === undefined && stored(`component#${edit.component}`) === undefined) {
          throw new ComponentNotFound(edit.component, components);
        }
        const { [edit.component]: _, ...pins } = row.pins;
        return { ...row, pins };
      });
    case "set customer":
      return setDirectoryRow({ level: "project", id: edit.project, customer: edit.customer }, stored);
    case "set plan":
      return setDirectoryRow({ level: "customer", id: edit.customer, plan: edit.plan }, stored);
    case "set directory rows":
      return edit.rows.flatMap((row) => setDirectoryRow(row, stored));
    case "apply component": {
      const row = stored(`component#${edit.component.name}`);
      const after = redefined(row, edit.component);
      // Routes that it begins with; those that stand were checked when they were set.
      if (row === undefined) for (const { cohort } of after.cohortRoutes) checkCohort(cohort, rowOf);
      return changed(`component#${edit.component.name}`, row, after);
    }
    case "remove component": {
      const row = stored(`component#${edit.component}`);
      if (row === undefined) throw new ComponentNotFound(edit.component, components);
      return changed(`component#${edit.component}`, row, null);
    }
    case "apply source":
      return changed(`source#${edit.source.source}`, stored(`source#${edit.source.source}`), edit.source);
    case "change component": {
      const component = componentIn(stored, edit.component, components);
      if ("route" in edit.change) {
        checkCohort(edit.change.route.cohort, rowOf);
        checkEnd("route", edit.change.route, now);
      }
      if ("rollout" in edit.change) checkEnd("rollout", edit.change.rollout, now);
      return changed(`component#${edit.component}`, component, changeComponent(component, edit.change));
    }
    case "release":
      return releaseChanges(edit, stored, components);
    case "listen": {
      const component = componentIn(stored, edit.component, components);
      for (const cohort of edit.cohorts) checkCohort(cohort, rowOf);
      checkEnd("rule", edit, now);
      const listening = componentListening(component, edit, now);
      return [
        ...changed(`component#${edit.component}`, component, listening),
        ...edit.subjects.flatMap((key) =>
          changeSubject(key, stored, (row) => rowListening(row, key, listening, edit, now)),
        ),
      ];
    }
    case "create cohort": {
      const { cohort, description, who, at } = edit;
      const register = rowOf("settings#cohorts");
      if (own(register ?? {}, cohort)?.description === description) return [];
      return changed("settings#cohorts", stored("settings#cohorts"), {
        ...register,
        [cohort]: { description, who, at },
      });
    }
    case "remove cohort": {
      const { [edit.cohort]: _, ...others } = checkCohort(edit.cohort, rowOf);
      return changed("settings#cohorts", rowOf("settings#cohorts"), Object.keys(others).length === 0 ? null : others);
    }
    case "set members":
      checkCohort(edit.cohort, rowOf);
      return edit.members.flatMap((key) =>
        changeSubject(key, stored, (row) => {
          const others = row.cohorts.filter((cohort) => cohort !== edit.cohort);
          return { ...row, cohorts: edit.member ? [...others, edit.cohort].sort() : others };
        }),
      );
    case "set guardrails":
      return changed("settings#guardrails", stored("settings#guardrails"), edit.guardrails);
    case "put rows":
      return edit.rows.flatMap(({ key, row }) => changed(key, stored(key), row));
    case "revert":
      return revertChanges(edit.changes, stored).rows;
  }
}

function setDirectoryRow(edit: DirectoryRow, stored: StoredRowLookup): RowChange[] {
  return changeSubject(`${edit.level}#${edit.id}`, stored, (row) => {
    if (edit.level === "project") {
      const { customer: _, ...rest } = row;
      return edit.customer === null ? rest : { ...rest, customer: edit.customer };
    }
    const { plan: _, ...rest } = row;
    return edit.plan === null ? rest : { ...rest, plan: edit.plan };
  });
}

/** @throws ComponentNotFound, ComponentUnreadable */
function componentIn(stored: StoredRowLookup, name: string, components: readonly string[]): Component {
  const row = stored(`component#${name}`);
  if (row === undefined) throw new ComponentNotFound(name, components);
  if (row instanceof UnreadableRow) throw new ComponentUnreadable(name, row.problem);
  return row;
}

function checkCohort(cohort: string, rowOf: RowLookup): CohortRegister {
  const register = rowOf("settings#cohorts") ?? {};
  if (own(register, cohort) === undefined) throw new CohortNotFound(cohort, Object.keys(register));
  return register;
}

function checkPin(pin: Pin, component: Component, now: Date): void {
  for (const alias of [pin.alias, pin.successor]) {
    if (alias === undefined) continue;
    const entry = aliasOf(component, alias);
    if (entry === undefined) throw new AliasNotFound(alias, component.name, Object.keys(component.aliases));
    if (entry.retired) throw new AliasRetired(alias, component.name);
  }
  if (pin.successor === pin.alias) {
    throw new TurnoutError("not allowed", `'${pin.alias}' can't be its own successor. Name another alias.`);
  }
  checkEnd("pin", pin, now);
}

function checkEnd(rule: string, { until }: Period, now: Date): void {
  if (until === undefined || until > now.toISOString()) return;
  throw new TurnoutError("not allowed", `The ${rule} would have expired already, at ${until}. Name a later time.`);
}

function samePin(a: Pin, b: Pin): boolean {
  const sameAliases = a.alias === b.alias && a.successor === b.successor;
  return sameAliases && a.from === b.from && a.until === b.until && a.why === b.why;
}

function changeSubject(key: SubjectKey, stored: StoredRowLookup, change: (row: SubjectRow) => SubjectRow): RowChange[] {
  const before = stored(key);
  const after = change(readable(before) ?? { pins: {}, cohorts: [] });
  return changed(key, before, isEmptySubjectRow(after) ? null : after);
}

function changed(key: RowKey, before: StoredRow | undefined, after: Row | null): RowChange[] {
  if (sameRow(before, after)) return [];
  return [{ key, before: before ?? null, after }];
}
