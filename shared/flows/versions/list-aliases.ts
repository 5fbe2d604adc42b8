import { type BadVersion, badMark } from "../../domain/routing/guard-rule.ts";
import { outsidePeriod } from "../../domain/routing/period.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import { subjectLevels } from "../../domain/subject.ts";
import { own } from "../../domain/text/schema.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { componentNamed } from "./component-named.ts";

export type ListedAlias = {
  alias: string;
  /** Null: it points nowhere yet. */
  version: string | null;
  /** Other versions that get a share of what goes to it, from 0 to 1. */
  alsoTo: Record<string, number>;
  /** Subjects with a pin to it that counts now. */
  pinned: number;
  isDefault: boolean;
  isFallback: boolean;
  isRetired: boolean;
  /** What was found of the version that it points at, if that is bad. */
  bad?: BadVersion;
};

/** The aliases of a component, and what is on each. Reads every subject once. @throws ComponentNotFound */
export async function listAliases(
  { routingTable, catalog }: { routingTable: RoutingTableReader; catalog: Pick<VersionCatalog, "aliases"> },
  name: string,
  now: Date,
): Promise<ListedAlias[]> {
  const component = await componentNamed(routingTable, name);
  const aliased = new Map((await catalog.aliases(name)).map((one) => [one.alias, one]));
  const pinned = await pinnedTo(routingTable, name, now);
  return Object.entries(component.aliases).map(([alias, { retired }]) => {
    const version = aliased.get(alias)?.version ?? null;
    const bad = badMark(component.badVersions, version);
    return {
      alias,
      version,
      alsoTo: aliased.get(alias)?.alsoTo ?? {},
      pinned: pinned.get(alias) ?? 0,
      isDefault: alias === component.defaultAlias,
      isFallback: alias === component.fallbackAlias,
      isRetired: retired === true,
      ...(bad && { bad }),
    };
  });
}

async function pinnedTo(table: RoutingTableReader, component: string, now: Date): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const level of subjectLevels) {
    for await (const { row } of table.subjects(level)) {
      const pin = own(readable(row)?.pins ?? {}, component);
      if (pin === undefined || outsidePeriod(pin, now) !== undefined) continue;
      counts.set(pin.alias, (counts.get(pin.alias) ?? 0) + 1);
    }
  }
  return counts;
}
