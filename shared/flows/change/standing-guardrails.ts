import { GuardrailHit } from "../../domain/errors.ts";
import { freezeObjection, type Guardrails, guardrailsIn } from "../../domain/routing/guardrails.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";

export type StandingGuardrails = { revision: Revision; guardrails: Guardrails };

/** The guardrails that stand now, and the revision they stand at. */
export async function standingGuardrails(table: Pick<RoutingTableReader, "rows">): Promise<StandingGuardrails> {
  const { revision, rows } = await table.rows(["settings#guardrails"]);
  return { revision, guardrails: guardrailsIn(rows.get("settings#guardrails")) };
}

/** @throws GuardrailHit in a freeze, unless it is gone past by force */
export async function refuseFrozen(table: Pick<RoutingTableReader, "rows">, force: boolean): Promise<void> {
  const { freeze } = (await standingGuardrails(table)).guardrails;
  if (freeze !== undefined && !force) throw new GuardrailHit([freezeObjection(freeze)]);
}
