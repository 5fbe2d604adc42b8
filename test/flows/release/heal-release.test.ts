import { expect, it } from "vitest";
import { healingReplay, healRelease } from "../../../shared/flows/release/heal-release.ts";
import { aGuardedVersion, RC } from "../../support/guarded-version.ts";
import { aRelease, BEGAN } from "../../support/releases.ts";

it.each([
  ["24-faster", "heal-24-faster-"],
  ["a".repeat(64), `heal-${"a".repeat(48)}-`],
  [`${"a".repeat(46)}--${"b".repeat(9)}`, `heal-${"a".repeat(46)}-`],
])("the replay that heals release %s is called %sand a time", (id, begins) => {
  expect(healingReplay({ id, startedAt: BEGAN.toISOString() })).toBe(`${begins}${BEGAN.getTime().toString(36)}`);
});

/** A version that has failed, and its alias taken back. */
async function aFailedRelease() {
  const world = await aGuardedVersion({ guarded: false });
  const startedAt = world.time.now().toISOString();
  await world.move("beta", "24");
  await world.traffic(2);
  await world.move("beta", "23");
  const { routingTable: table, catalog, events, replays } = world.guard;
  const called: string[] = [];
  const callReplayer = async (name: string) => void called.push(name);
  const [component] = (await table.components()).components;
  if (component === undefined) expect.unreachable();
  const release = aRelease({ id: "24-faster", version: "24", startedAt });
  const heal = () =>
    healRelease({ table, catalog, events, replays, callReplayer }, component, release, world.time.now());
  return { ...world, heal, called, name: healingReplay(release), startedAt };
}

it("a release's version has what it left unresolved delivered again, as the release's own replay", async () => {
  const { heal, replays, called, name, drive, unresolved, startedAt, time } = await aFailedRelease();
  expect(await unresolved()).toHaveLength(8);
  await heal();
  const replay = await replays.get(name);
  expect(replay).toMatchObject({
    ...{ who: "release/24-faster", why: "faster", command: `release 24-faster of ${RC} was stopped` },
    ...{ mode: "finish", destination: { kind: "today" }, avoidVersion: "24", asked: "run" },
    filter: { component: RC, executedVersion: "24", ranSince: startedAt, ranBehind: "beta" },
    concurrency: 25,
    requestedAt: time.now(),
    planned: { matched: 8 },
  });
  expect(replay?.window.from).toEqual(new Date(Date.parse(startedAt) - 3_600_000));
  expect(called).toEqual([name]);
  await drive();
  expect(await unresolved()).toEqual([]);
});

it("a release is healed once, however often that is asked for", async () => {
  const { heal, replays, called, name } = await aFailedRelease();
  await heal();
  const first = await replays.get(name);
  await heal();
  expect(called).toEqual([name]);
  expect(await replays.get(name)).toEqual(first);
});
