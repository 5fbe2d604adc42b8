import type { Guardrails } from "../../domain/routing/guardrails.ts";
import { shareText } from "../../domain/routing/rollout.ts";
import { plural } from "../../domain/text/plural.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { effectOf } from "./change-effect.ts";
import { everyone, measureEffect } from "./measure-effect.ts";
import { shareOf } from "./preview-traffic.ts";

/** Budgets that are exceeded as things are, a clause each: no change is refused for these unless it makes them worse. */
export async function exceededBudgets(
  table: RoutingTable,
  events: StoredEvents,
  guardrails: Guardrails,
  now: Date,
): Promise<string[]> {
  const { maxCustomersOff, maxEventShareOff } = guardrails;
  if (maxCustomersOff === undefined && maxEventShareOff === undefined) return [];
  const { customers, traffic } = await measureEffect(
    { table, events },
    effectOf([], now),
    everyone(table),
    guardrails,
    now,
  );
  const sitting = [...(customers ?? [])].flatMap(([component, { off }]) => {
    if (maxCustomersOff === undefined || off.before <= maxCustomersOff) return [];
    return [`${plural(off.before, "customer")} off ${component}'s default alias already, over ${maxCustomersOff}`];
  });
  const going = (traffic?.components ?? []).flatMap((hour) => {
    const share = shareOf(hour, hour.off.before);
    if (maxEventShareOff === undefined || share <= maxEventShareOff) return [];
    const over = `over ${shareText(maxEventShareOff)}`;
    return [`${shareText(share)} of the last hour's events off ${hour.component}'s default alias already, ${over}`];
  });
  return [...sitting, ...going];
}
