import type { Watch } from "../../domain/health/watch.ts";
import type { Guard } from "../../domain/routing/guard-rule.ts";
import { freezeText } from "../../domain/routing/guardrails.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import type { WatchStore } from "../../watch-store/watch-store.ts";
import { standingGuardrails } from "../change/standing-guardrails.ts";
import { componentNamed } from "../versions/component-named.ts";

/** A guarded alias and the version behind it, or a version that was found to be worse. */
export type GuardedVersion = {
  component: string;
  alias: string;
  /** Null where the alias points nowhere. */
  version: string | null;
  /** Undefined where it isn't guarded any more. */
  guard?: Guard;
  /** Undefined where nobody has looked yet. */
  watch?: Watch;
  /** It is behind the alias. */
  isThere: boolean;
  /** What stands against doing anything about it. */
  outranked?: string;
};

/** What the guards of a component watch over, or all. @throws ComponentNotFound */
export async function guardsOf(
  ports: {
    routingTable: RoutingTableReader;
    catalog: Pick<VersionCatalog, "aliases">;
    watches: Pick<WatchStore, "watches">;
  },
  component?: string,
): Promise<GuardedVersion[]> {
  const { routingTable, catalog, watches } = ports;
  const components =
    component === undefined
      ? (await routingTable.components()).components
      : [await componentNamed(routingTable, component)];
  const { freeze } = (await standingGuardrails(routingTable)).guardrails;
  const found: GuardedVersion[] = [];
  const stored = await watches.watches(component);
  for (const { name, guards = {}, allStable, fallbackAlias } of components) {
    const own = stored.filter((watch) => watch.component === name);
    if (own.length === 0 && Object.keys(guards).length === 0) continue;
    const targets = await catalog.aliases(name);
    const behind = (alias: string) => targets.find((target) => target.alias === alias)?.version ?? null;
    const stable = allStable && `everything goes to ${fallbackAlias}, as ${allStable.who} says: ${allStable.why}`;
    const outranked = freeze === undefined ? stable : freezeText(freeze);
    for (const [alias, guard] of Object.entries(guards)) {
      const version = behind(alias);
      const watch = own.find((one) => one.alias === alias && one.version === version);
      const known = { component: name, alias, version, guard, isThere: true };
      found.push({ ...known, ...(watch && { watch }), ...(outranked && { outranked }) });
    }
    for (const watch of own) {
      if (watch.trip === undefined || found.some((one) => one.watch === watch)) continue;
      const { alias, version } = watch;
      found.push({ component: name, alias, version, watch, isThere: version === behind(alias) });
    }
  }
  return found;
}
