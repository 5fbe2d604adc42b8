import type { GuardMode } from "../../domain/routing/guard-rule.ts";
import { own } from "../../domain/text/schema.ts";
import { componentNamed } from "../../flows/versions/component-named.ts";
import type { Installation } from "../installation.ts";
import type { AskedChange } from "./asked-change.ts";
import { componentChange } from "./asked-component-change.ts";
import type { Saying } from "./asked-rules.ts";

/** A guard as it is asked for. `all`: with mode `undo`, what the version has done is run again, too. */
export type AskedGuard = { component: string; alias: string; mode: GuardMode; all: boolean };

/** Has an alias's version watched. */
export async function guarding(
  { routingTable }: Pick<Installation, "routingTable">,
  { component, alias, mode, all }: AskedGuard,
  said: Saying,
  now: Date,
): Promise<AskedChange> {
  const before = own((await componentNamed(routingTable, component)).guards ?? {}, alias);
  const isSo = before?.mode === mode && (before.all ?? false) === all;
  return componentChange({
    component,
    change: { set: "guard", alias, guard: isSo ? before : { mode, ...(all && { all }), ...said } },
    what: `guard ${alias} of ${component}, mode ${mode}${all ? ", and what it has done is run again" : ""}`,
    alreadySo: `${alias} of ${component} is guarded so already`,
    undo: (_, reason) =>
      before === undefined
        ? ["guard", "clear", component, alias, ...reason]
        : ["guard", "set", component, alias, "--mode", before.mode, ...(before.all ? ["--all"] : []), ...reason],
    now,
  });
}

/** Has it watched no more. */
export function unguarding(component: string, alias: string, now: Date): AskedChange {
  return componentChange({
    component,
    change: { remove: "guard", alias },
    what: `guard ${alias} of ${component} no more`,
    alreadySo: `${alias} of ${component} isn't guarded`,
    now,
  });
}
