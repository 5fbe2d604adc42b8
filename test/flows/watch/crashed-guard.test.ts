import { expect, it } from "vitest";
import { finishMoves } from "../../../shared/flows/versions/finish-moves.ts";
import { releaseKeepers } from "../../../shared/flows/watch/release-keepers.ts";
import { runGuards } from "../../../shared/flows/watch/run-guards.ts";
import { aGuardedVersion, RC } from "../../support/guarded-version.ts";
import { type Around, surrounded, type When } from "../../support/port-calls.ts";

/** The guard's ports with this around each call that changes something, or that it goes by. */
function around(world: Awaited<ReturnType<typeof aGuardedVersion>>, each: Around) {
  const { guard } = world;
  return {
    ...guard,
    routingTable: surrounded(guard.routingTable, ["commit"], each),
    catalog: surrounded(guard.catalog, ["moveAlias"], each),
    replays: surrounded(guard.replays, ["create"], each),
    watches: surrounded(guard.watches, ["put"], each),
  };
}

async function aBadVersion() {
  const world = await aGuardedVersion();
  await world.traffic(15);
  await world.move("beta", "24");
  await world.traffic(18);
  return world;
}

/** What a guard does when nothing goes wrong. */
const calls = ["put", "put", "commit", "put", "commit", "moveAlias", "commit", "create", "put"];

it("a guard stores each step before it makes it", async () => {
  const world = await aBadVersion();
  const made: string[] = [];
  await runGuards(
    around(world, (call, work) => {
      made.push(call);
      return work();
    }),
  );
  expect(made).toEqual(calls);
});

it.each(calls.flatMap((call, n) => (["before", "after"] as const).map((when) => [n + 1, call, when] as const)))(
  "a guard that is killed at call %i, %s, %s it took effect, is finished by the next, with one rollback",
  async (n, _, when: When) => {
    const world = await aBadVersion();
    let made = 0;
    const killed = around(world, async (_call, work) => {
      made += 1;
      if (made > n || (made === n && when === "before")) throw new Error("killed");
      const value = await work();
      if (made === n) throw new Error("killed");
      return value;
    });
    await runGuards(killed).catch(() => {});
    for (let minute = 0; minute < 4; minute++) {
      await world.time.pass(61_000);
      const moving = { table: world.table, catalog: world.guard.catalog, newId: world.guard.newId };
      await finishMoves(moving, world.time.now());
      await world.look();
    }
    expect(await world.watch()).toMatchObject({ trip: { stage: "ended", to: "23" } });
    expect(world.versionOf("beta")).toBe("23");
    const rollbacks = (await world.log()).filter(({ move }) => move?.kind === "rollback" && move.stage === "settled");
    expect(rollbacks).toHaveLength(1);
    expect(await world.replays.list(5)).toHaveLength(1);
    await world.drive();
    expect(await world.unresolved()).toEqual([]);
  },
);

it("what a server that is gone was about is gone on with by the first look of the next", async () => {
  const world = await aBadVersion();
  world.calls.fail("create");
  await world.look().catch(() => {});
  await world.look();
  expect(await world.replays.list(5), "another might still be at it").toHaveLength(0);
  await releaseKeepers(world.guard.watches);
  await world.look();
  expect(await world.replays.list(5)).toHaveLength(1);
  expect(await world.watch()).toMatchObject({ trip: { stage: "ended", to: "23" } });
});

it("of two guards at once one acts", async () => {
  const world = await aBadVersion();
  await Promise.all([world.look(), world.look(), world.look()]);
  const made = (await world.log()).filter(({ who }) => who === `guard/${RC}`);
  expect(made).toHaveLength(3);
  expect(await world.replays.list(5)).toHaveLength(1);
});

it("a guard that lost its lease half-way leaves the rest to who has it", async () => {
  const world = await aBadVersion();
  const held = world.calls.hold("moveAlias");
  const slow = world.look();
  while (!held.reached()) await new Promise(setImmediate);
  await world.time.pass(61_000);
  await finishMoves({ table: world.table, catalog: world.guard.catalog, newId: world.guard.newId }, world.time.now());
  await world.look();
  held.release();
  await slow.catch(() => {});
  for (let look = 0; look < 3; look++) await world.look();
  const rollbacks = (await world.log()).filter(({ move }) => move?.kind === "rollback" && move.stage === "settled");
  expect(rollbacks).toHaveLength(1);
  expect(world.versionOf("beta")).toBe("23");
  expect(await world.replays.list(5)).toHaveLength(1);
  expect(await world.watch()).toMatchObject({ trip: { stage: "ended" } });
});
