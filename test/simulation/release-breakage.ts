import type { Component } from "../../shared/domain/routing/component.ts";
import type { ReleasePorts } from "../../shared/flows/release/advance-release.ts";
import { RC } from "../support/releases.ts";

/** What is broken on purpose, to see that it is noticed. */
export const releaseBreakages = [
  "verdict unheard",
  "verdict made up",
  "alias stays",
  "rules stay",
  "a person's rule goes",
  "nothing healed",
  "half promoted",
] as const;
export type ReleaseBreakage = (typeof releaseBreakages)[number];

/** The ports of a release, broken so. */
export function damagedPorts(
  ports: ReleasePorts,
  broken: ReleaseBreakage | undefined,
  versionOf: (alias: string) => string | null,
): ReleasePorts {
  const { table, catalog, judge } = ports;
  return {
    ...ports,
    judge: async (...of) => {
      if (broken === "verdict unheard") return { says: "healthy", told: "" };
      if (broken === "verdict made up") return { says: "worse", told: "" };
      return judge(...of);
    },
    catalog: {
      ...catalog,
      aliases: async (component) => {
        const aliases = await catalog.aliases(component);
        return broken === "half promoted" ? aliases.map((one) => ({ ...one, version: "4" })) : aliases;
      },
      moveAlias: async (component, alias, to, expected) => {
        if (broken === "alias stays" && versionOf(alias) === "4") return true;
        return catalog.moveAlias(component, alias, to, expected);
      },
    },
    table: {
      ...table,
      commit: async (request, expected) => {
        const rows = request.rows.map((row) => {
          const [was, is] = [row.before, row.after] as (Component | null)[];
          if (row.key !== `component#${RC}` || !was || !is || !request.who.startsWith("release/")) return row;
          if (broken === "rules stay" && is.release?.ending !== undefined) {
            const { cohortRoutes, rollout } = was;
            return { ...row, after: { ...is, cohortRoutes, ...(rollout && { rollout }) } };
          }
          if (broken === "a person's rule goes") return { ...row, after: { ...is, cohortRoutes: [] } };
          return row;
        });
        return table.commit({ ...request, rows: rows as typeof request.rows }, expected);
      },
    },
  };
}
