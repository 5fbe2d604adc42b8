import { TurnoutError } from "../../domain/errors.ts";
import type { ChangeLogEntry, Revision } from "../../domain/routing/routing-change.ts";
import type { RoutingEdit } from "../../domain/routing/routing-edit.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { changeOf } from "./change-log.ts";

/** What takes several changes back: the whole as one edit, and a step for each of them, the newest first. */
export type RevertPlan = { changes: ChangeLogEntry[]; edit: RoutingEdit; steps: RoutingEdit[] };

/**
 * @param revisions in any order
 * @throws TurnoutError `not found` when there is no such revision
 */
export async function planRevert(
  log: Pick<RoutingTableReader, "head" | "changesAfter">,
  revisions: readonly Revision[],
): Promise<RevertPlan> {
  const changes: ChangeLogEntry[] = [];
  for (const revision of [...new Set(revisions)].sort((a, b) => b - a)) {
    const change = await changeOf(log, revision);
    if (change === undefined) {
      throw new TurnoutError("not found", `There is no revision ${revision}; the newest is ${await log.head()}.`);
    }
    changes.push(change);
  }
  if (changes.length === 0) throw new TurnoutError("usage", "No revision to revert was named.");
  return {
    changes,
    edit: { kind: "revert", changes },
    steps: changes.map((change) => ({ kind: "revert", changes: [change] })),
  };
}
