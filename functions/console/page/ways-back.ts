import { aliasOf, type Component } from "../../../shared/domain/routing/component.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import {
  nothingBefore,
  nothingBehind,
  type RecentMoves,
  recentMoves,
  recentStanding,
  sinceUnknown,
} from "../../../shared/flows/versions/alias-history.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";

/** Changes that are looked back through: what they don't tell is told by the form. */
const MOST_CHANGES = 2_000;

/** Why an alias can't be rolled back, or its version not be undone; undefined: it can be asked for. */
export type NoWayBack = { rollback?: string; undo?: string };

export type WaysBack = (component: Component | undefined, alias: string, version: string | null) => NoWayBack;

const remembered = new WeakMap<RoutingTable, { revision: Revision; moves: Promise<RecentMoves> }>();

/** What the flows would refuse, for buttons; the log is looked through when it has grown. */
export async function waysBack(table: RoutingTable): Promise<WaysBack> {
  const recent = await movesOf(table, await table.head());
  return (component, alias, version) => {
    const entry = component && aliasOf(component, alias);
    if (component === undefined || entry === undefined) return {};
    const { name } = component;
    const both = (why: string): NoWayBack => ({ rollback: why, undo: why });
    if (entry.retired) return both(`${alias} of ${name} is retired.`);
    if (version === null) return both(nothingBehind(name, alias));
    const standing = recentStanding(recent, name, alias, version);
    if (standing === undefined) return {};
    if (standing.previous === undefined) return both(nothingBefore(name, alias, version));
    return standing.since === undefined ? { undo: sinceUnknown(name, alias, version) } : {};
  };
}

function movesOf(table: RoutingTable, head: Revision): Promise<RecentMoves> {
  const known = remembered.get(table);
  if (known?.revision === head) return known.moves;
  const moves = recentMoves(table, head, MOST_CHANGES);
  remembered.set(table, { revision: head, moves });
  moves.catch(() => remembered.delete(table));
  return moves;
}
