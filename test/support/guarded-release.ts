import type { ReleaseStep } from "../../shared/domain/routing/release.ts";
import { releaseEdit } from "../../shared/domain/routing/release-edit.ts";
import { advanceReleases } from "../../shared/flows/release/advance-releases.ts";
import { aGuardedVersion, type GuardedOptions } from "./guarded-version.ts";
import { aRelease, RC } from "./releases.ts";

type Options = Pick<GuardedOptions, "fails"> & {
  steps?: ReleaseStep[];
  maxWaitMs?: number;
  /** Rounds of traffic that are known of before: without them nobody calls the version healthy. Default 90. */
  before?: number;
};

/** A release of 24 in steps of a minute, just begun, with real guards. */
export async function aGuardedRelease({ fails = () => false, steps, maxWaitMs, before = 90 }: Options = {}) {
  const world = await aGuardedVersion({ mode: "undo", fails });
  await world.traffic(before);
  const startedAt = world.time.now().toISOString();
  const release = aRelease({
    ...{ id: "24-faster", version: "24", aliasBefore: "23", intoBefore: "22", everyMs: 60_000, guard: "undo" },
    ...{ steps: steps ?? [{ kind: "share", basisPoints: 2_500 }], startedAt, since: startedAt },
    ...(maxWaitMs !== undefined && { maxWaitMs }),
  });
  await world.change(releaseEdit(RC, release, { do: "start", release }));
  const advance = () => advanceReleases(world.guard);
  await advance();
  const component = async () => (await world.table.components()).components.find(({ name }) => name === RC);
  return { ...world, advance, component, release: async () => (await component())?.release };
}
