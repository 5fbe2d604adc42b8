import { expect, it } from "vitest";
import { stateText } from "../../../shared/domain/releases/release-state.ts";
import { runGuards } from "../../../shared/flows/watch/run-guards.ts";
import { aGuardedRelease } from "../../support/guarded-release.ts";
import { RC } from "../../support/releases.ts";

type World = Awaited<ReturnType<typeof aGuardedRelease>>;

const bad = (_: unknown, version: string) => version === "24";

/** Traffic of minutes, with a look of guard and release after each. */
async function minutes(world: World, count: number, look: () => Promise<unknown> = world.look): Promise<void> {
  for (let minute = 0; minute < count; minute++) {
    await world.traffic(3, 20_000);
    await look().catch(() => {});
    await world.advance();
  }
}

const rollbacks = async (world: World) =>
  (await world.log()).filter(({ move }) => move?.kind === "rollback" && move.stage === "settled");

const stateOf = async (world: World) => {
  const release = await world.release();
  return release && stateText(release);
};

it("a release whose version never gets traffic waits for a verdict, pauses in the end, and is never taken back", async () => {
  const world = await aGuardedRelease({ maxWaitMs: 300_000, before: 0 });
  for (let minute = 0; minute < 4; minute++) {
    await world.time.pass(60_000);
    await world.look();
    await world.advance();
  }
  expect(await stateOf(world)).toBe("step 1 of 1: 25%");
  for (let minute = 0; minute < 4; minute++) {
    await world.time.pass(60_000);
    await world.look();
    await world.advance();
  }
  expect((await world.release())?.paused?.why).toMatch(/^no verdict: 0 of 0 first attempts failed; none of stable's/);
  expect([world.versionOf("beta"), world.versionOf("stable"), await rollbacks(world)]).toEqual(["24", "22", []]);
});

it("a release whose guard can't read what was counted waits, and is taken back once it can", async () => {
  const world = await aGuardedRelease({ fails: bad, before: 30 });
  const events = { ...world.guard.events, counts: () => Promise.reject(new Error("throttled")) };
  await minutes(world, 6, () => runGuards({ ...world.guard, events }));
  expect(await stateOf(world)).toBe("step 1 of 1: 25%");
  expect(await rollbacks(world)).toEqual([]);
  await minutes(world, 2);
  expect(await world.release()).toMatchObject({ ended: { how: "stopped" } });
  expect(await rollbacks(world)).toHaveLength(1);
  await world.drive();
  expect(await world.unresolved()).toEqual([]);
});

it("a release whose version is deleted pauses, moves nobody, and says so", async () => {
  const world = await aGuardedRelease({ before: 0 });
  const { catalog } = world.guard;
  const versions = async (name: string) => (await catalog.versions(name)).filter(({ version }) => version !== "24");
  Object.assign(world.guard, { catalog: { ...catalog, versions } });
  await minutes(world, 2);
  expect((await world.release())?.paused?.why).toBe("version 24 is gone");
  expect(await rollbacks(world)).toEqual([]);
});

it("a release whose rule was written past the change log pauses, and says that it was somebody", async () => {
  const world = await aGuardedRelease({ before: 0 });
  const { rollout: _, ...row } = (await world.component()) ?? {};
  world.damage(`component#${RC}`, JSON.stringify(row));
  await minutes(world, 1);
  expect((await world.release())?.paused?.why).toBe("the rollout was changed by somebody");
});

it("a release whose alias was moved behind Turnout's back pauses, and leaves it there", async () => {
  const world = await aGuardedRelease({ before: 0 });
  world.set("beta", "25");
  await minutes(world, 2);
  expect((await world.release())?.paused?.why).toBe("beta points at 25, not at 24");
  expect(world.versionOf("beta")).toBe("25");
});

it("a release beside a stable version that fails itself waits and isn't taken back, and goes on once stable is well", async () => {
  let isOut = false;
  const world = await aGuardedRelease({ fails: (_, version) => isOut && version === "22" });
  isOut = true;
  await minutes(world, 8);
  expect([await stateOf(world), await rollbacks(world)]).toEqual(["step 1 of 1: 25%", []]);
  isOut = false;
  await minutes(world, 12);
  expect([await stateOf(world), world.versionOf("stable")]).toEqual(["done", "24"]);
});
