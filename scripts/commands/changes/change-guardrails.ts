import { type Guardrails, guardrailsIn } from "../../../shared/domain/routing/guardrails.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import type { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import type { MutationOptions } from "../terminal/options.ts";
import { rowDetails } from "../wording/row-details.ts";
import { changeRouting, type MadeChange } from "./change-routing.ts";

export type StandingGuardrails = { revision: Revision; guardrails: Guardrails };

/** The guardrails that stand now, and the revision they stand at. */
export async function standingGuardrails(table: RoutingTable): Promise<StandingGuardrails> {
  const { revision, rows } = await table.rows(["settings#guardrails"]);
  return {
    revision,
    guardrails: guardrailsIn(rows.get("settings#guardrails") as Guardrails | UnreadableRow | undefined),
  };
}

/** Puts other guardrails in place of the standing ones; a conflict when these have changed meanwhile. */
export function changeGuardrails(
  state: Pick<Installation, "routingTable" | "events" | "who">,
  options: MutationOptions,
  { revision }: StandingGuardrails,
  mutation: { guardrails: Guardrails; what: string; alreadySo: string; undo: (made: MadeChange) => string; now: Date },
): Promise<void> {
  const { guardrails, ...rest } = mutation;
  return changeRouting(state, options, {
    ...rest,
    edit: { kind: "set guardrails", guardrails },
    plannedOn: revision,
    details: (rows) => rows.flatMap(rowDetails),
  });
}
