import { GuardrailHit } from "../../domain/errors.ts";
import type { AliasMove } from "../../domain/routing/alias-move.ts";
import type { BadVersion } from "../../domain/routing/guard-rule.ts";
import { badMark } from "../../domain/routing/guard-rule.ts";
import { freezeObjection, type Guardrails, guardrailsIn } from "../../domain/routing/guardrails.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";

export type StandingGuardrails = { revision: Revision; guardrails: Guardrails };

/** What stands against a move: guardrails, and the version that it goes to where a guard has found that to be worse. */
export async function standingAgainst(
  table: Pick<RoutingTableReader, "rows">,
  { component, to }: AliasMove,
): Promise<StandingGuardrails & { bad: BadVersion | undefined }> {
  const { revision, rows } = await table.rows(["settings#guardrails", `component#${component}`]);
  const guardrails = guardrailsIn(rows.get("settings#guardrails"));
  const row = readable(rows.get(`component#${component}`));
  return { revision, guardrails, bad: badMark(row?.badVersions, to) };
}

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
