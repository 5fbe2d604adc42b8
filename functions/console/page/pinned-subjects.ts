import type { Alias } from "../../../shared/domain/routing/alias.ts";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { outsidePeriod } from "../../../shared/domain/routing/period.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import { own } from "../../../shared/domain/text/schema.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";

/** Rows that are looked at, of each level. */
const MOST_LOOKED = 1_000;

/** The levels whose pins come before every other rule, in the order in which they win. */
const levels = ["user", "project", "customer"] as const;

/** How many of a level are pinned to an alias. */
export type PinnedSubjects = { level: (typeof levels)[number]; alias: Alias; count: number };

/** `unlooked`: the levels of which the directory has more than were looked at. */
export type Pinned = { subjects: PinnedSubjects[]; unlooked: PinnedSubjects["level"][] };

type Remembered = { revision: Revision; minute: number; pinned: Map<string, Promise<Pinned>> };

const remembered = new WeakMap<RoutingTable, Remembered>();

/** Who is pinned at a component now. Pins change with the routing, and as they begin and end: to the minute will do. */
export async function pinnedSubjects(table: RoutingTable, { name }: Component, now: Date): Promise<Pinned> {
  const [revision, minute] = [await table.head(), Math.floor(now.getTime() / 60_000)];
  let known = remembered.get(table);
  if (known?.revision !== revision || known.minute !== minute) {
    known = { revision, minute, pinned: new Map() };
    remembered.set(table, known);
  }
  const { pinned } = known;
  const counted = pinned.get(name) ?? count(table, name, now);
  pinned.set(name, counted);
  counted.catch(() => pinned.delete(name));
  return counted;
}

async function count(table: RoutingTable, component: string, now: Date): Promise<Pinned> {
  const found: Pinned = { subjects: [], unlooked: [] };
  for (const level of levels) {
    const counts = new Map<Alias, number>();
    let looked = 0;
    for await (const { row } of table.subjects(level)) {
      if (++looked > MOST_LOOKED) {
        found.unlooked.push(level);
        break;
      }
      const pin = own(readable(row)?.pins ?? {}, component);
      if (pin !== undefined && outsidePeriod(pin, now) === undefined)
        counts.set(pin.alias, (counts.get(pin.alias) ?? 0) + 1);
    }
    for (const [alias, of] of counts) found.subjects.push({ level, alias, count: of });
  }
  return found;
}
