import type { Guardrails, Shift } from "../../domain/routing/guardrails.ts";
import { isSubjectKey, type Subject, type SubjectKey, subjectOf } from "../../domain/subject.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { inPages } from "../in-pages.ts";
import { type RoutingCache, routingCache } from "../routing-cache.ts";
import type { EffectOn } from "./change-effect.ts";
import { previewTraffic, type Traffic } from "./preview-traffic.ts";

/** A subject whose events would go elsewhere. An empty subject stands for all that no rule names. */
export type Move = {
  subject: Subject;
  component: string;
  /** Aliases, or the versions behind one that is moved. */
  from: string;
  to: string;
};

/** How many there are, and the first few of them. */
export type Sample<T> = { count: number; first: T[] };

/** How many of a sample are named. */
export const NAMED = 10;

/** Customers of the directory at one component: who sits off the default alias, and who goes elsewhere. */
export type CustomerCount = { off: Shift; moved: number };

/** Whom a change moves. What is by component has those only that anything was found for. */
export type MeasuredEffect = {
  moves: Sample<Move>;
  /** The last hour's events; left out where no event store was given. */
  traffic?: Traffic;
  /** Only counted where there is a budget of them. */
  customers?: ReadonlyMap<string, CustomerCount>;
  /** Protected subjects that move, themselves or with what is theirs, as `level#id`. */
  protectedMoved: ReadonlyMap<string, ReadonlySet<string>>;
};

/** Subjects decided at once: their rows are read together. */
const SUBJECTS_AT_ONCE = 500;

/**
 * Decides subjects of the directory and the last hour's events before and after a change, and counts what moves.
 * @param subjects whom the change can touch
 */
export async function measureEffect(
  { table, events }: { table: RoutingTable; events?: StoredEvents | undefined },
  effectOn: EffectOn,
  subjects: AsyncIterable<Subject>,
  { protectedSubjects, maxCustomersOff }: Guardrails,
  now: Date,
): Promise<MeasuredEffect> {
  const routing = routingCache(table, { maxRows: 4 * SUBJECTS_AT_ONCE });
  await routing.refresh();
  const moves: Sample<Move> = { count: 0, first: [] };
  const watch = watcher(protectedSubjects);
  for await (const page of inPages(subjects, SUBJECTS_AT_ONCE)) {
    const found = await routing.decideOn((view) => movesOf(page, (subject) => effectOn(subject, view)));
    moves.count += found.length;
    moves.first.push(...found.slice(0, NAMED - moves.first.length).map(({ keys: _, ...move }) => move));
    watch.see(found);
  }
  // A protected subject may have no row of its own, and then the directory doesn't know it.
  const guarded = protectedSubjects.filter(isSubjectKey).map(subjectOf);
  watch.see(await routing.decideOn((view) => movesOf(guarded, (subject) => effectOn(subject, view))));
  const traffic = events && (await previewTraffic(events, routing, effectOn, now));
  const customers = maxCustomersOff === undefined ? undefined : await countCustomers(table, routing, effectOn);
  return { moves, ...(traffic && { traffic }), ...(customers && { customers }), protectedMoved: watch.moved };
}

/** Nobody in particular, and every customer, project and user of whom there is a row. */
export async function* everyone(table: RoutingTable): AsyncIterable<Subject> {
  yield {};
  for await (const { id } of table.subjects("customer")) yield { customer: id };
  for await (const { id } of table.subjects("project")) yield { project: id };
  for await (const { id } of table.subjects("user")) yield { user: id };
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

async function countCustomers(table: RoutingTable, routing: RoutingCache, on: EffectOn) {
  const counts = new Map<string, CustomerCount>();
  for await (const customers of inPages(table.subjects("customer"), SUBJECTS_AT_ONCE)) {
    const effects = await routing.decideOn((view) => customers.flatMap(({ id }) => on({ customer: id }, view)));
    for (const { component, from, to, offBefore, offAfter } of effects) {
      const count = counts.get(component) ?? { off: { before: 0, after: 0 }, moved: 0 };
      counts.set(component, count);
      if (offBefore) count.off.before++;
      if (offAfter) count.off.after++;
      if (from !== to) count.moved++;
    }
  }
  return counts;
}
