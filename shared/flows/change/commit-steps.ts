import { countsMoves, type Guardrails, guardrailsIn } from "../../domain/routing/guardrails.ts";
import type { Revision, RowChange } from "../../domain/routing/routing-change.ts";
import { isNeverRefused, type RoutingEdit } from "../../domain/routing/routing-edit.ts";
import { changeOf } from "../../domain/routing/row-map.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { type ChangeRequest, changeRoutes, type GuardrailCheck } from "./change-routes.ts";

export type StepsRequest = Omit<ChangeRequest, "changeId" | "expectedRevision" | "checked"> & {
  /** What is committed, one change each in this order. Together they come to the edit. */
  steps: readonly RoutingEdit[];
  /** What the edit was found to do. */
  checked: GuardrailCheck;
  /** Nothing may come in between: who agreed to what they were shown has not agreed to anything else. */
  strict: boolean;
};

/** The changes that were made, and what stopped the others; undefined when all were made. */
export type CommittedSteps = { revisions: Revision[]; stopped?: { error: unknown } };

/**
 * Commits an edit as a series of changes. It is strict, too, where a guardrail has counted who moves.
 * @param onStep is told of each before it is tried
 * @throws what `changeRoutes` throws, where nothing has been changed yet
 */
export async function commitSteps(
  { table, newId }: { table: RoutingTable; newId: () => string },
  { steps, strict: isStrict, checked, ...request }: StepsRequest,
  onStep: () => void,
): Promise<CommittedSteps> {
  const strict = isStrict || (countsMoves(checked.guardrails) && !isNeverRefused(request.edit));
  const revisions: Revision[] = [];
  let expected = checked.revision;
  let { guardrails } = checked;
  for (const edit of steps) {
    try {
      onStep();
      const made = await changeRoutes(table, {
        ...request,
        edit,
        changeId: newId(),
        checked: { ...checked, guardrails },
        ...(strict ? { expectedRevision: expected } : {}),
      });
      expected = made.revision;
      guardrails = guardrailsAfter(made.rows) ?? guardrails;
      if (made.rows.length > 0) revisions.push(made.revision);
    } catch (error) {
      if (revisions.length === 0) throw error;
      return { revisions, stopped: { error } };
    }
  }
  return { revisions };
}

/** The guardrails that a step of the series itself has put in place; undefined when it left them alone. */
function guardrailsAfter(rows: readonly RowChange[]): Guardrails | undefined {
  const change = changeOf(rows, "settings#guardrails");
  return change && guardrailsIn(change.after ?? undefined);
}
