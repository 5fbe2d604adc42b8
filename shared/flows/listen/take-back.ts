import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { changeRoutes, type MadeChange } from "../change/change-routes.ts";
import { planRevert } from "../change/plan-revert.ts";

/** Who takes it back, and why. */
export type TakingBack = { who: string; why: string; command: string; at: Date; changeId: string };

/** Sends the events elsewhere again that a change has sent to a laptop. What has been set anew since stays. */
export async function takeBack(table: RoutingTable, revision: number, about: TakingBack): Promise<MadeChange> {
  const { edit } = await planRevert(table, [revision]);
  return changeRoutes(table, { edit, ...about });
}
