import { TurnoutError } from "../../domain/errors.ts";
import type { Component } from "../../domain/routing/component.ts";
import { isUnderWay, type Release } from "../../domain/routing/release.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";

export type ReleaseOf<C = Component> = { component: C; release: Release };

/** The release that each component has under way, or had last; those under way first, then the latest. */
export async function releases(table: Pick<RoutingTableReader, "components">): Promise<ReleaseOf[]> {
  const { components } = await table.components();
  const found = components.flatMap((component) => {
    return component.release === undefined ? [] : [{ component, release: component.release }];
  });
  return found.toSorted(
    (a, b) =>
      Number(isUnderWay(b.release)) - Number(isUnderWay(a.release)) ||
      b.release.startedAt.localeCompare(a.release.startedAt, "en"),
  );
}

/** @throws TurnoutError `not found` */
export async function releaseNamed(table: Pick<RoutingTableReader, "components">, id: string): Promise<ReleaseOf> {
  const all = await releases(table);
  const found = all.find(({ release }) => release.id === id);
  if (found !== undefined) return found;
  const known = all.map(({ release }) => release.id);
  const there = known.length === 0 ? "There are none yet." : `There are: ${known.join(", ")}.`;
  throw new TurnoutError("not found", `No release '${id}'. ${there}`, {
    remedies: known.length === 0 ? [{ operation: "start release" }] : [],
  });
}
