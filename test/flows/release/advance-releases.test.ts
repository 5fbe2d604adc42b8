import { expect, it } from "vitest";
import type { GuardVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { newWatch } from "../../../shared/domain/health/watch.ts";
import { releaseEdit } from "../../../shared/domain/routing/release-edit.ts";
import { advanceReleases } from "../../../shared/flows/release/advance-releases.ts";
import { aComponent } from "../../support/builders.ts";
import { aGuardedVersion } from "../../support/guarded-version.ts";
import { aRelease, RC } from "../../support/releases.ts";

/** A release of 24 in one step that waits to begin, and how often its component was looked at. */
async function waiting(about: { steps?: number } = {}) {
  const world = await aGuardedVersion({ fails: () => false, guarded: false });
  const startedAt = world.time.now().toISOString();
  const release = aRelease({
    ...{ id: "24-faster", version: "24", aliasBefore: "23", intoBefore: "22", everyMs: 60_000 },
    steps: Array.from({ length: about.steps ?? 1 }, (_, n) => ({ kind: "share", basisPoints: n + 1 }) as const),
    ...{ startedAt, since: startedAt },
  });
  await world.change(releaseEdit(RC, release, { do: "start", release }));
  const standing = async () => (await world.table.components()).components.find(({ name }) => name === RC)?.release;
  return { ...world, standing };
}

it("a release goes as far as it can at once, and each step is told", async () => {
  const { guard, standing, versionOf, notices } = await waiting();
  await advanceReleases(guard);
  expect([versionOf("beta"), (await standing())?.made]).toEqual(["24", 1]);
  expect(notices.map(({ detail }) => [detail.release, detail.did])).toEqual([["24-faster", "step"]]);
  await advanceReleases(guard);
  expect(notices).toHaveLength(1);
});

it("a release that pauses is told of once, and not looked at again in that round", async () => {
  const { guard, set, notices } = await waiting();
  set("beta", "25");
  let looks = 0;
  const versions: typeof guard.catalog.versions = async (name) => {
    looks += 1;
    return guard.catalog.versions(name);
  };
  const watched = { ...guard, catalog: { ...guard.catalog, versions } };
  await advanceReleases(watched);
  expect(notices.map(({ detail }) => detail.did)).toEqual(["pause"]);
  expect(looks).toBe(1);
  await advanceReleases(watched);
  expect([notices.length, looks]).toEqual([1, 2]);
});

it("a release that is done is promoted, finished and told of in one round", async () => {
  const { guard, set, standing, notices, versionOf } = await waiting();
  await advanceReleases(guard);
  set("stable", "24");
  await advanceReleases(guard);
  expect([versionOf("stable"), (await standing())?.ended?.how]).toEqual(["24", "done"]);
  expect(notices.map(({ detail }) => detail.did)).toEqual(["step", "finish"]);
  await advanceReleases(guard);
  expect(notices).toHaveLength(2);
});

it("a release does four things in a round at most, however fast its clock goes", async () => {
  const { guard, standing, time, change } = await waiting({ steps: 9 });
  const rule = { mode: "hold", who: "ada", why: "new", at: time.now().toISOString() } as const;
  await change({ kind: "change component", component: RC, change: { set: "guard", alias: "beta", guard: rule } });
  let minutes = 0;
  const began = time.now();
  const now = () => new Date(began.getTime() + minutes++ * 60_000);
  const about = { component: RC, alias: "beta", version: "24" };
  const healthy: GuardVerdict = { says: "healthy so far", metrics: [], more: null };
  const lookedAt = new Date(began.getTime() + 3_600_000).toISOString();
  const watches = async () => [{ ...newWatch(about, began, began), lookedAt, verdict: healthy }];
  await advanceReleases({ ...guard, now, watches: { ...guard.watches, watches } });
  expect((await standing())?.made).toBe(3);
});

it("what is wrong with one release holds up no other, and is thrown in the end", async () => {
  const { guard, change, standing } = await waiting();
  await change({ kind: "apply component", component: aComponent({ name: "a-mailer" }) });
  const release = aRelease({ id: "4-mails", version: "24", aliasBefore: null });
  await change(releaseEdit("a-mailer", release, { do: "start", release }));
  const aliases: typeof guard.catalog.aliases = async (name) => {
    if (name === "a-mailer") throw new Error("its aliases can't be read");
    return guard.catalog.aliases(name);
  };
  const { routingTable } = guard;
  const first = async () => {
    const all = await routingTable.components();
    return { ...all, components: all.components.toSorted((a, b) => a.name.localeCompare(b.name, "en")) };
  };
  const ports = { ...guard, catalog: { ...guard.catalog, aliases } };
  await expect(advanceReleases({ ...ports, routingTable: { ...routingTable, components: first } })).rejects.toThrow(
    "its aliases can't be read",
  );
  expect((await standing())?.made).toBe(1);
});
