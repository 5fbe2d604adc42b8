import type { AliasedVersion, VersionCatalog } from "./version-catalog.ts";

/**
 * The aliases of a catalog, asked for again once an answer is `keepMs` old: Lambda takes 15 requests a second of its
 * control plane from a whole account, and a replay asks for every page.
 */
export function rememberedAliases(
  catalog: Pick<VersionCatalog, "aliases">,
  keepMs: number,
  now: () => Date,
): Pick<VersionCatalog, "aliases"> {
  const known = new Map<string, { until: number; aliases: Promise<AliasedVersion[]> }>();
  return {
    async aliases(component) {
      const at = now().getTime();
      const remembered = known.get(component);
      if (remembered !== undefined && at < remembered.until) return remembered.aliases;
      const aliases = catalog.aliases(component);
      known.set(component, { until: at + keepMs, aliases });
      aliases.catch(() => known.delete(component));
      return aliases;
    },
  };
}
