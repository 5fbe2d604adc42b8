import { expect, it } from "vitest";
import { aGuardedVersion, RC } from "../../support/guarded-version.ts";

/** Ten minutes of version 23, and then 24 with this. */
async function aNewVersion(options: Parameters<typeof aGuardedVersion>[0] = {}) {
  const world = await aGuardedVersion(options);
  await world.traffic(60);
  await world.move("beta", "24");
  return world;
}

it("a version that fails is taken back, and what it left is finished on the version before", async () => {
  const world = await aNewVersion();
  await world.traffic(90);
  await world.look();
  expect(world.versionOf("beta")).toBe("23");
  const trip = (await world.watch())?.trip;
  expect(trip).toMatchObject({ stage: "ended", to: "23", verdict: { says: "worse" } });
  expect(trip?.why).toMatch(/^24 is worse: \d+ of \d+ \(100.0 %\) of its first attempts failed, 0 of/);
  expect(await world.unresolved()).not.toEqual([]);
  await world.drive();
  expect(await world.unresolved()).toEqual([]);
  const made = (await world.log()).filter(({ who }) => who === `guard/${RC}`);
  expect(made.map(({ move, rows }) => move?.stage ?? rows.length)).toEqual([1, "intended", "settled"]);
  expect(made.every(({ why }) => why === trip?.why)).toBe(true);
});
