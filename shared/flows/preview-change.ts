import type { Alias } from "../domain/alias.ts";
import type { Impact, Shift } from "../domain/guardrails.ts";
import type { RowChange } from "../domain/routing-change.ts";
import { objectionsTo, type RoutingEdit } from "../domain/routing-edit.ts";
import { type Subject, type SubjectKey, subjectLevels } from "../domain/subject.ts";
import type { RoutingTable } from "../routing-table/routing-table.ts";
import { aliasFor, type EffectOn, effectOf } from "./change-effect.ts";
import { type PlannedChange, planChange } from "./change-routes.ts";
import { inPages } from "./in-pages.ts";
import { previewTraffic, type StoredEvents, type Traffic } from "./preview-traffic.ts";
import { type RoutingCache, routingCache } from "./routing-cache.ts";

/** A subject whose events would go elsewhere. An empty subject stands for all that no rule names. */
export type Move = { subject: Subject; component: string; from: Alias; to: Alias };

/** How many there are, and the first few of them. */
export type Sample<T> = { count: number; first: T[] };

/** What a change does to the rows, to whom, and what stands against it. */
export type ChangePreview = PlannedChange & {
  moves: Sample<Move>;
  /** The last hour's events; left out where nothing changes or no event store was given. */
  traffic?: Traffic;
  impacts: Impact[];
  /** One sentence each; `--force` goes past them. */
  objections: string[];
};

/** How many of a sample are named. */
export const NAMED = 10;

/** Subjects decided at once: their rows are read together. */
const SUBJECTS_AT_ONCE = 500;

/**
 * Works out what an edit would do: to the rows, and to the subject itself and every project and customer of the
 * directory that it can touch. Reads the directory once, and decides each subject before and after. Changes nothing.
 * Subjects that only events know (users, customers outside the directory) are not counted among the moves; the traffic
 * counts their events.
 * @throws what `planChange` throws
 */
export async function previewChange(
  table: RoutingTable,
  edit: RoutingEdit,
  now: Date,
  events?: StoredEvents,
): Promise<ChangePreview> {
  const planned = await planChange(table, edit, now);
  const moves: Sample<Move> = { count: 0, first: [] };
  const { guardrails, rows } = planned;
  // Settings move nobody.
  if (rows.every(({ key }) => key.startsWith("settings#"))) {
    const objections = rows.length === 0 ? [] : objectionsTo(edit, guardrails, []);
    return { ...planned, moves, impacts: [], objections };
  }
  const routing = await freshCache(table);
  const effectOn = effectOf(rows, now);
  const watch = watcher(guardrails.protectedSubjects);
  for await (const subjects of inPages(touched(table, rows), SUBJECTS_AT_ONCE)) {
    const found = await routing.decideOn((view) => movesOf(subjects, (subject) => effectOn(subject, view)));
    moves.count += found.length;
    moves.first.push(...found.slice(0, NAMED - moves.first.length).map(({ keys: _, ...move }) => move));
    watch.see(found);
  }
  // A protected subject may have no row of its own, and then the directory doesn't know it.
  const guarded = guardrails.protectedSubjects.map((key) => subjectOf(key as SubjectKey));
  watch.see(await routing.decideOn((view) => movesOf(guarded, (subject) => effectOn(subject, view))));
  const traffic = events && (await previewTraffic(events, routing, effectOn, now));
  const off = guardrails.maxCustomersOff === undefined ? undefined : await customersOff(table, routing, effectOn);
  const impacts = impactsOf(watch.moved, traffic, off);
  const objections = objectionsTo(edit, guardrails, impacts);
  return { ...planned, moves, ...(traffic && { traffic }), impacts, objections };
}

/** The projects and customers of the directory whose events go to this alias of the component now. */
export async function subjectsOn(table: RoutingTable, component: string, alias: Alias, now: Date) {
  const routing = await freshCache(table);
  const on: Sample<Subject> = { count: 0, first: [] };
  for await (const subjects of inPages(everyone(table), SUBJECTS_AT_ONCE)) {
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

type KeyedMove = Move & { keys: SubjectKey[] };

function movesOf(subjects: readonly Subject[], effectOn: (subject: Subject) => ReturnType<EffectOn>): KeyedMove[] {
  return subjects.flatMap((subject) =>
    effectOn(subject).flatMap(({ component, from, to, keys }) =>
      from === to ? [] : [{ subject, component, from, to, keys }],
    ),
  );
}

/** Notes which protected subjects are among those that move, by component: they themselves or what is theirs. */
function watcher(protectedSubjects: readonly string[]) {
  const guarded = new Set(protectedSubjects);
  const moved = new Map<string, Set<string>>();
  return {
    moved,
    see(moves: readonly KeyedMove[]) {
      if (guarded.size === 0) return;
      for (const { component, keys } of moves) {
        for (const key of keys.filter((candidate) => guarded.has(candidate))) {
          moved.set(component, (moved.get(component) ?? new Set()).add(key));
        }
      }
    },
  };
}

/** How many customers of the directory sit off each component's default alias. */
async function customersOff(table: RoutingTable, routing: RoutingCache, on: EffectOn): Promise<Map<string, Shift>> {
  const counts = new Map<string, Shift>();
  for await (const customers of inPages(table.subjects("customer"), SUBJECTS_AT_ONCE)) {
    const effects = await routing.decideOn((view) => customers.flatMap(({ id }) => on({ customer: id }, view)));
    for (const { component, offBefore, offAfter } of effects) {
      const count = counts.get(component) ?? { before: 0, after: 0 };
      counts.set(component, count);
      if (offBefore) count.before++;
      if (offAfter) count.after++;
    }
  }
  return counts;
}

function impactsOf(
  moved: ReadonlyMap<string, ReadonlySet<string>>,
  traffic: Traffic | undefined,
  customers: ReadonlyMap<string, Shift> | undefined,
): Impact[] {
  const events = new Map(traffic?.components.map((each) => [each.component, each]));
  const names = new Set([...moved.keys(), ...events.keys(), ...(customers?.keys() ?? [])]);
  return [...names].map((component) => {
    const counted = customers?.get(component);
    const hour = events.get(component);
    const share = (off: number) => Math.round((off * 10_000) / (hour?.events ?? 1));
    return {
      component,
      ...(counted && { customersOff: counted }),
      ...(hour && { eventShareOff: { before: share(hour.off.before), after: share(hour.off.after) } }),
      protectedMoved: [...(moved.get(component) ?? [])],
    };
  });
}

function subjectOf(key: SubjectKey): Subject {
  const at = key.indexOf("#");
  return { [key.slice(0, at)]: key.slice(at + 1) };
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
