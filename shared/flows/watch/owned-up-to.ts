import type { AliasedVersion } from "../../versions/version-catalog.ts";

/** A version that is past its time says nothing of itself: it was the one that the alias pointed at, if it was only one. */
export function ownedUpTo<T extends { version: string; alias: string }>(
  all: readonly T[],
  targets: readonly AliasedVersion[],
): T[] {
  const said = Map.groupBy(
    all.filter(({ version }) => version !== ""),
    ({ alias }) => alias,
  );
  return all.map((one) => {
    if (one.version !== "") return one;
    const behind = new Set((said.get(one.alias) ?? []).map(({ version }) => version));
    const target = targets.find(({ alias }) => alias === one.alias)?.version;
    if (target !== undefined) behind.add(target);
    const [only, another] = behind;
    return only === undefined || another !== undefined ? one : { ...one, version: only };
  });
}
