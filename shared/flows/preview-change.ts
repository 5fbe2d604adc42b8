import type { Alias } from "../domain/alias.ts";
import type { Component } from "../domain/component.ts";
import { decideRoute } from "../domain/decide-route.ts";
import type { Row, RowAt, RowChange, RowKey } from "../domain/routing-change.ts";
import type { RoutingEdit, RowLookup } from "../domain/routing-edit.ts";
import { resolveSubject, type Subject, subjectLevels } from "../domain/subject.ts";
import type { RoutingTable } from "../routing-table/routing-table.ts";
import { type PlannedChange, planChange } from "./change-routes.ts";
import { type RoutingCache, type RoutingView, routingCache } from "./routing-cache.ts";

/** A subject whose events would go elsewhere. An empty subject stands for all that no rule names. */
export type Move = { subject: Subject; component: string; from: Alias; to: Alias };

/** How many there are, and the first few of them. */
export type Sample<T> = { count: number; first: T[] };

/** What a change does to the rows, and to whom. */
export type ChangePreview = PlannedChange & { moves: Sample<Move> };

/** How many of a sample are named. */
const NAMED = 10;

/** Subjects decided at once: their rows are read together. */
const SUBJECTS_AT_ONCE = 500;

/**
 * Works out what an edit would do: to the rows, and to the subject itself and every project and customer of the
 * directory that it can touch. Reads the directory once, and decides each subject before and after. Changes nothing.
 * Subjects that only events know (users, customers outside the directory) are not counted.
 * @throws what `planChange` throws
 */
export async function previewChange(table: RoutingTable, edit: RoutingEdit, now: Date): Promise<ChangePreview> {
  const planned = await planChange(table, edit, now);
  const moves: Sample<Move> = { count: 0, first: [] };
  if (planned.rows.length === 0) return { ...planned, moves };
  const routing = await freshCache(table);
  const after = new Map(planned.rows.map((row) => [row.key, row.after]));
  for await (const subjects of inChunks(touched(table, planned.rows))) {
    const found = await routing.decideOn((view) => subjects.flatMap((subject) => movesOf(subject, view, after, now)));
    moves.count += found.length;
    moves.first.push(...found.slice(0, NAMED - moves.first.length));
  }
  return { ...planned, moves };
}

/** The projects and customers of the directory whose events go to this alias of the component now. */
export async function subjectsOn(table: RoutingTable, component: string, alias: Alias, now: Date) {
  const routing = await freshCache(table);
  const on: Sample<Subject> = { count: 0, first: [] };
  for await (const subjects of inChunks(everyone(table))) {
    const found = await routing.decideOn((view) => {
      const listener = view.listeners.find((candidate) => candidate.component.name === component);
      if (listener === undefined) return [];
      return subjects.filter((subject) => aliasFor(listener.component, subject, view.rowOf, now) === alias);
    });
    on.count += found.length;
    on.first.push(...found.slice(0, NAMED - on.first.length));
  }
  return on;
}

async function freshCache(table: RoutingTable): Promise<RoutingCache> {
  const routing = routingCache(table, 4 * SUBJECTS_AT_ONCE);
  await routing.refresh();
  return routing;
}

/** Who the changed rows can matter to, each once: the subjects themselves and whoever the directory puts below them. */
async function* touched(table: RoutingTable, rows: readonly RowChange[]): AsyncIterable<Subject> {
  const keys = new Set(rows.map(({ key }) => key));
  if ([...keys].some((key) => key.startsWith("component#"))) return yield* everyone(table);
  for (const key of keys) {
    const level = subjectLevels.find((candidate) => key.startsWith(`${candidate}#`));
    if (level !== undefined) yield { [level]: key.slice(level.length + 1) };
  }
  const plansChange = [...keys].some((key) => key.startsWith("plan#"));
  if (plansChange) {
    for await (const { id, row } of table.subjects("customer")) {
      if (!keys.has(`customer#${id}`) && row.plan !== undefined && keys.has(`plan#${row.plan}`)) yield { customer: id };
    }
  }
  if (!plansChange && ![...keys].some((key) => key.startsWith("customer#"))) return;
  for await (const { id, row } of table.subjects("project")) {
    if (row.customer === undefined || keys.has(`project#${id}`)) continue;
    // A project's plan isn't known yet; deciding it before and after tells whether it is one of these.
    if (plansChange || keys.has(`customer#${row.customer}`)) yield { project: id };
  }
}

async function* everyone(table: RoutingTable): AsyncIterable<Subject> {
  yield {};
  for await (const { id } of table.subjects("customer")) yield { customer: id };
  for await (const { id } of table.subjects("project")) yield { project: id };
}

async function* inChunks<T>(items: AsyncIterable<T>): AsyncIterable<T[]> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < SUBJECTS_AT_ONCE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function movesOf(subject: Subject, view: RoutingView, after: ReadonlyMap<RowKey, Row | null>, now: Date): Move[] {
  const rowAfter: RowLookup = <K extends RowKey>(key: K) => {
    const row = after.get(key);
    return row === undefined ? view.rowOf(key) : ((row ?? undefined) as RowAt<K> | undefined);
  };
  return view.listeners.flatMap(({ component }) => {
    const changed = (after.get(`component#${component.name}`) as Component | null | undefined) ?? component;
    const from = aliasFor(component, subject, view.rowOf, now);
    const to = aliasFor(changed, subject, rowAfter, now);
    return from === to ? [] : [{ subject, component: component.name, from, to }];
  });
}

function aliasFor(component: Component, stated: Subject, rowOf: RowLookup, now: Date): Alias {
  const subject = resolveSubject(stated, rowOf);
  return decideRoute({ component, subject, rowOf, now, trace: false }).alias;
}
