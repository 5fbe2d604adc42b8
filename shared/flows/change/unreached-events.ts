import { readEvent } from "../../domain/events/event.ts";
import { compileEventPattern } from "../../domain/events/event-pattern.ts";
import { isKeyOf, type RowChange } from "../../domain/routing/routing-change.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import { lastHour, MAX_PAGES } from "./preview-traffic.ts";

/** How many of the last hour's events, or of the newest, would no longer reach a component that is changed or removed. */
export async function unreachedEvents(
  events: StoredEvents,
  rows: readonly RowChange[],
  now: Date,
): Promise<Map<string, number>> {
  const listensAfter = new Map(rows.flatMap(listening));
  const lost = new Map<string, number>();
  if (listensAfter.size === 0) return lost;
  let pages = 0;
  for await (const records of lastHour(events, now)) {
    if (++pages > MAX_PAGES) break;
    for (const { rejected, components, body } of records) {
      if (rejected !== undefined) continue;
      const reached = components.filter((component) => listensAfter.has(component));
      const event = reached.length === 0 ? undefined : readEvent(body);
      for (const component of reached) {
        const matches = listensAfter.get(component);
        if (event?.ok && matches?.(event.value)) continue;
        lost.set(component, (lost.get(component) ?? 0) + 1);
      }
    }
  }
  return lost;
}

/** Those whose pattern changes, and what they listen to then. */
function listening({ key, before, after }: RowChange): [string, (event: object) => boolean][] {
  if (!isKeyOf("component", key)) return [];
  const [was, is] = [before, after].map((row) => {
    const component = readable(row);
    return component !== undefined && "pattern" in component ? component.pattern : undefined;
  });
  if (JSON.stringify(was) === JSON.stringify(is)) return [];
  const compiled = is === undefined ? undefined : compileEventPattern(is);
  return [[key.slice("component#".length), compiled?.ok ? compiled.matches : () => false]];
}
