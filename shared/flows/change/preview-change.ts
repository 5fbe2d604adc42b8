import type { Objection } from "../../domain/errors.ts";
import { type Component, DEFAULT_FALLBACK } from "../../domain/routing/component.ts";
import { countsMoves, type Impact } from "../../domain/routing/guardrails.ts";
import type { RowChange } from "../../domain/routing/routing-change.ts";
import { isKeyOf } from "../../domain/routing/routing-change.ts";
import { objectionsTo, type RoutingEdit } from "../../domain/routing/routing-edit.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import { isSubjectKey, type Subject, subjectOf } from "../../domain/subject.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { effectOf } from "./change-effect.ts";
import { type PlannedChange, planChange } from "./change-routes.ts";
import { everyone, type MeasuredEffect, type Move, measureEffect, type Sample } from "./measure-effect.ts";
import { shareOf, type Traffic } from "./preview-traffic.ts";
import { unreachedEvents } from "./unreached-events.ts";

/** What a change does to the rows, to whom, and what stands against it. */
export type ChangePreview = PlannedChange & {
  moves: Sample<Move>;
  /** The last hour's events; left out where nothing changes or no event store was given. */
  traffic?: Traffic;
  impacts: Impact[];
  /** What only force goes past. */
  objections: Objection[];
};

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
  return previewPlanned(table, await planChange(table, edit, now), edit, now, events);
}

/** The same of an edit whose rows are known. */
export async function previewPlanned(
  table: RoutingTable,
  planned: PlannedChange,
  edit: RoutingEdit,
  now: Date,
  events?: StoredEvents,
): Promise<ChangePreview> {
  const { guardrails, rows } = planned;
  // Settings move nobody.
  if (rows.every(({ key }) => isKeyOf("settings", key))) {
    const objections = rows.length === 0 ? [] : objectionsTo(edit, guardrails, []);
    return { ...planned, moves: { count: 0, first: [] }, impacts: [], objections };
  }
  const on = touched(table, rows);
  const measured = await measureEffect({ table, events }, effectOf(rows, now), on, guardrails, now);
  const { moves } = measured;
  const unreached = events && (await unreachedEvents(events, rows, now));
  const traffic = measured.traffic && {
    ...measured.traffic,
    components: measured.traffic.components.map((each) => {
      const count = unreached?.get(each.component);
      return count === undefined ? each : { ...each, unreached: count };
    }),
  };
  const impacts = impactsOf(measured);
  const fallen = countsMoves(guardrails) ? fallenRows(rows) : [];
  if (fallen.length > 0) {
    const ifFallen = await measureEffect({ table, events }, effectOf(fallen, now), everyone(table), guardrails, now);
    const theirs = impactsOf(ifFallen).filter((impact) => fallen.some(({ after }) => after.name === impact.component));
    impacts.push(...theirs.map((impact) => ({ ...impact, ifAllStable: true })));
  }
  const objections = objectionsTo(edit, guardrails, impacts);
  return { ...planned, moves, ...(traffic && { traffic }), impacts, objections };
}

/**
 * The components whose fallback becomes another one, as they would be all stable. To `stable` it may go back whatever
 * the guardrails say.
 */
function fallenRows(rows: readonly RowChange[]): (RowChange & { after: Component })[] {
  return rows.flatMap(({ key, ...row }) => {
    if (!isKeyOf("component", key)) return [];
    const [before, after] = [row.before, row.after].map((side) => readable(side) as Component | undefined);
    if (before === undefined || after === undefined || after.allStable !== undefined) return [];
    const { fallbackAlias } = after;
    if (fallbackAlias === before.fallbackAlias || fallbackAlias === DEFAULT_FALLBACK) return [];
    const allStable = { who: "", why: "", at: new Date(0).toISOString() };
    return [{ key, before, after: { ...after, allStable } }];
  });
}

function impactsOf({ traffic, customers, protectedMoved }: MeasuredEffect): Impact[] {
  const events = new Map(traffic?.components.map((each) => [each.component, each]));
  const names = new Set([...protectedMoved.keys(), ...events.keys(), ...(customers?.keys() ?? [])]);
  return [...names].map((component) => {
    const counted = customers?.get(component);
    const hour = events.get(component);
    return {
      component,
      ...(counted && { customersOff: counted.off }),
      ...(hour && { eventShareOff: { before: shareOf(hour, hour.off.before), after: shareOf(hour, hour.off.after) } }),
      protectedMoved: [...(protectedMoved.get(component) ?? [])],
    };
  });
}

/** Who the changed rows can matter to, each once: the subjects themselves and whoever the directory puts below them. */
async function* touched(table: RoutingTable, rows: readonly RowChange[]): AsyncIterable<Subject> {
  const keys = new Set(rows.map(({ key }) => key));
  if ([...keys].some((key) => isKeyOf("component", key))) return yield* everyone(table);
  for (const key of keys) if (isSubjectKey(key)) yield subjectOf(key);
  const plansChange = [...keys].some((key) => isKeyOf("plan", key));
  if (plansChange) {
    for await (const { id, row: stored } of table.subjects("customer")) {
      const row = readable(stored);
      if (row === undefined) continue;
      if (!keys.has(`customer#${id}`) && row.plan !== undefined && keys.has(`plan#${row.plan}`)) yield { customer: id };
    }
  }
  if (!plansChange && ![...keys].some((key) => isKeyOf("customer", key))) return;
  for await (const { id, row: stored } of table.subjects("project")) {
    const row = readable(stored);
    if (row?.customer === undefined || keys.has(`project#${id}`)) continue;
    // A project's plan isn't known yet; deciding it before and after tells whether it is one of these.
    if (plansChange || keys.has(`customer#${row.customer}`)) yield { project: id };
  }
}
