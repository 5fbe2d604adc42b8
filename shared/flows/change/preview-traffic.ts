import type { EventRecord } from "../../domain/deliveries/delivery.ts";
import type { Shift } from "../../domain/routing/guardrails.ts";
import type { Subject } from "../../domain/subject.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingCache } from "../routing-cache.ts";
import type { Effect, EffectOn } from "./change-effect.ts";

/** What a change means for one component, measured by the last hour's events. */
export type ComponentTraffic = {
  component: string;
  /** Events of that hour that the component listened to, and how many of these would go elsewhere. */
  events: number;
  moved: number;
  /** Deliveries of moved events that are claimed, or wait for another attempt. */
  inFlight: number;
  off: Shift;
  /** Those that would no longer reach it; left out where there are none. */
  unreached?: number;
};

/** `cut`: there were more events in that hour than are looked at, and these are the newest, to within minutes. */
export type Traffic = { components: ComponentTraffic[]; cut: boolean };

const STRETCH_MS = 300_000;
const STRETCHES_PER_HOUR = 12;
const RECORDS_PER_PAGE = 500;
/** Pages of records looked at: 20,000 events take about a second. */
export const MAX_PAGES = 40;

/** Their share of the events that the component listened to, in basis points. */
export function shareOf({ events }: ComponentTraffic, count: number): number {
  return Math.round((count * 10_000) / events);
}

/** Runs the last hour's events through the routing before and after a change. Sends nothing. */
export async function previewTraffic(
  events: StoredEvents,
  routing: RoutingCache,
  effectOn: EffectOn,
  now: Date,
): Promise<Traffic> {
  const counts = new Map<string, ComponentTraffic>();
  // An hour has far fewer subjects than events.
  const known = new Map<string, Effect[]>();
  let pages = 0;
  for await (const records of lastHour(events, now)) {
    if (++pages > MAX_PAGES) return { components: [...counts.values()], cut: true };
    await learn(records, known, routing, effectOn);
    const moved = records.flatMap((record) => count(record, known.get(subjectText(record.subject)) ?? [], counts));
    await countInFlight(events, moved, counts);
  }
  return { components: [...counts.values()], cut: false };
}

/** The newest stretch first: where not all can be looked at, it is they that tell most. */
export async function* lastHour(events: StoredEvents, now: Date): AsyncIterable<EventRecord[]> {
  let to = now.getTime() + 1;
  for (let stretch = 0; stretch < STRETCHES_PER_HOUR; stretch++, to -= STRETCH_MS) {
    yield* events.records({ from: new Date(to - STRETCH_MS), to: new Date(to) }, now, RECORDS_PER_PAGE);
  }
}

async function learn(
  records: readonly EventRecord[],
  known: Map<string, Effect[]>,
  routing: RoutingCache,
  on: EffectOn,
) {
  const fresh = new Map<string, Subject>();
  for (const { subject } of records) if (!known.has(subjectText(subject))) fresh.set(subjectText(subject), subject);
  if (fresh.size === 0) return;
  const effects = await routing.decideOn((view) =>
    [...fresh].map(([text, subject]) => [text, on(subject, view)] as const),
  );
  for (const [text, effect] of effects) known.set(text, effect);
}

type MovedEvent = { eventKey: string; component: string };

/** Counts one event at each of its components; answers the components where it would go elsewhere. */
function count(record: EventRecord, effects: readonly Effect[], counts: Map<string, ComponentTraffic>): MovedEvent[] {
  const { eventKey, components } = record;
  if (record.rejected !== undefined) return [];
  const moved: MovedEvent[] = [];
  for (const { component, from, to, offBefore, offAfter } of effects) {
    if (!components.includes(component)) continue;
    const traffic = counts.get(component) ?? {
      component,
      events: 0,
      moved: 0,
      inFlight: 0,
      off: { before: 0, after: 0 },
    };
    counts.set(component, traffic);
    traffic.events++;
    if (offBefore) traffic.off.before++;
    if (offAfter) traffic.off.after++;
    if (from === to) continue;
    traffic.moved++;
    moved.push({ eventKey, component });
  }
  return moved;
}

async function countInFlight(
  events: StoredEvents,
  moved: readonly MovedEvent[],
  counts: Map<string, ComponentTraffic>,
) {
  if (moved.length === 0) return;
  const pairs = new Map(moved.map((event) => [`${event.component} ${event.eventKey}`, event]));
  const entries = await events.deliveriesOf([...new Set(moved.map(({ eventKey }) => eventKey))]);
  for (const { eventKey, component } of pairs.values()) {
    const traffic = counts.get(component);
    const waiting = (entries.get(eventKey) ?? []).filter((entry) => entry.component === component && isWaiting(entry));
    if (traffic !== undefined) traffic.inFlight += waiting.length;
  }
}

function isWaiting({ status }: { status: string }): boolean {
  return status === "claimed" || status === "failed";
}

function subjectText({ project, customer, plan, user }: Subject): string {
  return JSON.stringify([project, customer, plan, user]);
}
