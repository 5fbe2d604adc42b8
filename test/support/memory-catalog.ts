import { TurnoutError } from "../../shared/domain/errors.ts";
import type { VersionCatalog } from "../../shared/versions/version-catalog.ts";

/** The aliases of one component in memory, which knows these versions. Move them from outside with `set`. */
export function memoryCatalog(first: Record<string, string> = {}, versions = ["1", "2", "3", "4", "5"]) {
  const aliases = new Map(Object.entries(first));
  const catalog: Pick<VersionCatalog, "aliases" | "moveAlias"> = {
    aliases: async () => [...aliases].map(([alias, version]) => ({ alias, version })),
    async moveAlias(_, alias, version, expected) {
      if (!versions.includes(version)) throw new TurnoutError("not found", `No version '${version}'.`);
      if (expected !== undefined && (aliases.get(alias) ?? null) !== expected) return false;
      aliases.set(alias, version);
      return true;
    },
  };
  return { catalog, versionOf: (alias: string) => aliases.get(alias) ?? null, set: aliases.set.bind(aliases) };
}
