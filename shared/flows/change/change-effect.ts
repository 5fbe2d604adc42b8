import type { Alias } from "../../domain/routing/alias.ts";
import type { AliasMove } from "../../domain/routing/alias-move.ts";
import type { Component } from "../../domain/routing/component.ts";
import { decideRoute } from "../../domain/routing/decide-route.ts";
import type { RowChange } from "../../domain/routing/routing-change.ts";
import { rowMap } from "../../domain/routing/row-map.ts";
import { resolveSubject, type SubjectRows } from "../../domain/routing/subject-rows.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import { type Subject, type SubjectKey, subjectKeys } from "../../domain/subject.ts";
import type { RoutingView } from "../routing-cache.ts";

/** Where a subject's events go at one component, before and after a change. */
export type Effect = {
  component: string;
  /** Aliases, or the versions behind one that is moved: equal where the subject stays where it is. */
  from: string;
  to: string;
  /** Whether that is off the component's default alias. */
  offBefore: boolean;
  offAfter: boolean;
  /** The rows that the subject stands on after the change. */
  keys: SubjectKey[];
};

export type EffectOn = (subject: Subject, view: RoutingView) => Effect[];

/** Decides subjects before and after these rows change, at every component there is. */
export function effectOf(rows: readonly RowChange[], now: Date): EffectOn {
  const after = rowMap<null>(rows.map((row) => [row.key, row.after]));
  return (subject, view) => {
    const rowAfter: SubjectRows = (level, id) => {
      const row = after.get(`${level}#${id}`);
      return row === undefined ? view.subjectRow(level, id) : readable(row);
    };
    const resolvedBefore = resolveSubject(subject, view.subjectRow);
    const resolvedAfter = resolveSubject(subject, rowAfter);
    const keys = subjectKeys(resolvedAfter);
    return view.listeners.map(({ component }) => {
      const changed = readable(after.get(`component#${component.name}`)) ?? component;
      const from = decide(component, resolvedBefore, view.subjectRow, now);
      const to = decide(changed, resolvedAfter, rowAfter, now);
      const offBefore = from !== component.defaultAlias;
      return { component: component.name, from, to, offBefore, offAfter: to !== changed.defaultAlias, keys };
    });
  };
}

/** An alias that points nowhere. */
const NOWHERE = "nowhere";

/** Tells at its component who is on an alias that goes to another version: the rules, and so the aliases, stay. */
export function effectOfMove({ component: name, alias, from, to }: AliasMove, now: Date): EffectOn {
  return (stated, view) => {
    const component = view.listeners.find((listener) => listener.component.name === name)?.component;
    if (component === undefined) return [];
    const subject = resolveSubject(stated, view.subjectRow);
    const on = decide(component, subject, view.subjectRow, now);
    const versions = on === alias ? { from: from ?? NOWHERE, to } : { from: on, to: on };
    const off = on !== component.defaultAlias;
    return [{ component: name, ...versions, offBefore: off, offAfter: off, keys: subjectKeys(subject) }];
  };
}

function decide(component: Component, subject: Subject, rowOf: SubjectRows, now: Date): Alias {
  return decideRoute({ component, subject, rowOf, now, trace: false }).alias;
}
