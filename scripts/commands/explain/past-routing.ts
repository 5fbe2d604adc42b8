import { TurnoutError } from "../../../shared/domain/errors.ts";
import type { ChangeLogEntry, Revision } from "../../../shared/domain/routing/routing-change.ts";
import { readTime } from "../../../shared/domain/text/time-window.ts";
import { changeAt, changeOf } from "../../../shared/flows/change/change-log.ts";
import { routingTableAt } from "../../../shared/flows/routing-table-at.ts";
import type { RoutingTable, RoutingTableReader } from "../../../shared/routing-table/routing-table.ts";
import { must, usage } from "../terminal/options.ts";

/** A time, or the revision that the routing was at. */
export type PastPoint = Date | Revision;

/** Reads `--at`: a whole number is a revision, anything else a time. */
export function pastPoint(flag: string): (text: string) => PastPoint {
  return (text) => {
    if (!/^\d{1,15}$/.test(text)) return must(readTime(text), flag);
    if (Number(text) === 0) throw usage(`${flag}: revisions begin at 1.`);
    return Number(text);
  };
}

/** The routing as it was at a revision, and the time that its rules are to be looked at. */
export type PastRouting = { table: RoutingTableReader; revision: Revision; at: Date };

/**
 * The routing as it stood at a time, or right after a revision was made.
 * @throws TurnoutError `not found` for a revision that isn't there, and a time before the first change
 */
export async function pastRouting(table: RoutingTable, point: PastPoint): Promise<PastRouting> {
  const change = await changeFor(table, point);
  const { revision } = change;
  return { table: routingTableAt(table, revision), revision, at: point instanceof Date ? point : change.at };
}

async function changeFor(table: RoutingTable, point: PastPoint): Promise<ChangeLogEntry> {
  const change = await (point instanceof Date ? changeAt(table, point) : changeOf(table, point));
  if (change !== undefined) return change;
  const head = await table.head();
  if (!(point instanceof Date)) throw new TurnoutError("not found", `There is no revision ${point}; ${newest(head)}.`);
  const first = await changeOf(table, 1);
  const began = first === undefined ? "nobody has changed it yet" : `it began at ${first.at.toISOString()}`;
  throw new TurnoutError("not found", `There was no routing at ${point.toISOString()}: ${began}. Name a later time.`);
}

function newest(head: Revision): string {
  return head === 0 ? "there is none at all yet" : `the newest is ${head}`;
}
