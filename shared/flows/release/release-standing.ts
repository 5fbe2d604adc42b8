import type { Replay } from "../../domain/replays/replay.ts";
import { ReplayUnreadable } from "../../domain/replays/unreadable-replay.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import type { ReleaseOf } from "./find-release.ts";
import { healingReplay } from "./heal-release.ts";

/** What stands of a release outside of its component's row. */
export type ReleaseStanding = {
  /** What its alias points at, and the one that gets the version in the end; null for nothing. */
  aliasVersion: string | null;
  intoVersion: string | null;
  /** What delivers again what failed on its version, where it was stopped and its guard says so. */
  replay?: { name: string; found: Replay | ReplayUnreadable | undefined };
};

export async function standingOf(
  { catalog, replays }: { catalog: Pick<VersionCatalog, "aliases">; replays: Pick<ReplayStore, "get"> },
  { component, release }: ReleaseOf,
): Promise<ReleaseStanding> {
  const aliases = await catalog.aliases(component.name);
  const behind = (alias: string) => aliases.find((one) => one.alias === alias)?.version ?? null;
  const points = { aliasVersion: behind(release.alias), intoVersion: behind(release.into) };
  const isHealed = (release.ended ?? release.ending)?.how === "stopped" && release.guard === "undo";
  if (!isHealed) return points;
  const name = healingReplay(release);
  return { ...points, replay: { name, found: await replays.get(name).catch(unlessUnreadable) } };
}

function unlessUnreadable(error: unknown): ReplayUnreadable {
  if (error instanceof ReplayUnreadable) return error;
  throw error;
}
