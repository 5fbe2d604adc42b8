import type { Objection } from "../../domain/errors.ts";
import type { AliasMove, MoveKind } from "../../domain/routing/alias-move.ts";
import type { BadVersion } from "../../domain/routing/guard-rule.ts";
import { type Guardrails, type Impact, objectionsToMove } from "../../domain/routing/guardrails.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { effectOfMove } from "./change-effect.ts";
import { judgedKind } from "./known-version.ts";
import { everyone, type MeasuredEffect, type Move, measureEffect, type Sample } from "./measure-effect.ts";
import { shareOf, type Traffic } from "./preview-traffic.ts";
import { standingAgainst } from "./standing-guardrails.ts";

/** Whose events would be handled by another version, as of a revision, and what stands against it. */
export type MovePreview = {
  revision: Revision;
  guardrails: Guardrails;
  /** The projects and customers of the directory that are on the alias. */
  moves: Sample<Move>;
  /** The last hour's events of the component. */
  traffic: Traffic;
  impacts: Impact[];
  /** What only force goes past. */
  objections: Objection[];
  /** What a guard has found of the version that a rollback goes to: it is allowed all the same. */
  bad?: BadVersion;
};

export type MoveReaders = { table: RoutingTable; events: StoredEvents };

/**
 * Works out whom the move of an alias would give another version: everybody who is on it. An alias that pointed nowhere
 * takes nobody from a version, so that its first one exceeds nothing. Reads the directory and the last hour's events
 * once. Changes nothing.
 */
export async function previewMove(
  { table, events }: MoveReaders,
  move: AliasMove,
  kind: MoveKind,
  now: Date,
): Promise<MovePreview> {
  const { revision, guardrails, bad } = await standingAgainst(table, move);
  const measured = await measureEffect({ table, events }, effectOfMove(move, now), everyone(table), guardrails, now);
  const impacts = move.from === null ? [] : impactsOf(move, measured);
  const { moves, traffic = { components: [], cut: false } } = measured;
  const judged = await judgedKind(table, move, kind);
  const objections = objectionsToMove(judged, guardrails, impacts, bad);
  const allowed = judged === "rollback" && bad !== undefined ? { bad } : {};
  return { revision, guardrails, moves, traffic, impacts, objections, ...allowed };
}

function impactsOf({ component }: AliasMove, { traffic, customers, protectedMoved }: MeasuredEffect): Impact[] {
  const counted = customers?.get(component);
  const hour = traffic?.components.find((each) => each.component === component);
  return [
    {
      component,
      ...(counted && { customersMoved: counted.moved }),
      ...(hour && { eventShareMoved: shareOf(hour, hour.moved) }),
      protectedMoved: [...(protectedMoved.get(component) ?? [])],
    },
  ];
}
