import { expect, it } from "vitest";
import { verdictText } from "../../../shared/domain/health/verdict-text.ts";
import { runGuards } from "../../../shared/flows/watch/run-guards.ts";
import { aGuardedVersion, RC } from "../../support/guarded-version.ts";

type World = Awaited<ReturnType<typeof aGuardedVersion>>;

async function aBadVersion(options: Parameters<typeof aGuardedVersion>[0] = {}) {
  const world = await aGuardedVersion(options);
  await world.traffic(15);
  await world.move("beta", "24");
  await world.traffic(18);
  return world;
}

function damage({ database }: World): void {
  database.connection.exec("UPDATE guard_watches SET watch = '{' || watch");
}

const made = async (world: World) => (await world.log()).filter(({ who }) => who === `guard/${RC}`);
const rollbacks = async (world: World) =>
  (await made(world)).filter(({ move }) => move?.kind === "rollback" && move.stage === "settled");

it.each(["watch", "hold"] as const)(
  "a watch that can't be read any more isn't acted upon twice, mode %s",
  async (mode) => {
    const world = await aBadVersion({ mode });
    await world.look();
    damage(world);
    for (let look = 0; look < 3; look++) await world.look();
    expect(await made(world)).toHaveLength(1);
    expect(world.notices).toHaveLength(1);
    expect((await world.watch())?.trip).toMatchObject({
      stage: "ended",
      mode,
      why: expect.stringMatching(/^24 is worse/),
    });
  },
);

it("a watch that can't be read begins anew, and what it had begun is done once", async () => {
  const world = await aBadVersion();
  world.calls.fail("moveAlias", "before", new Error("killed"));
  await world.look().catch(() => {});
  damage(world);
  for (let minute = 0; minute < 4; minute++) {
    await world.time.pass(61_000);
    await world.look().catch(() => {});
  }
  expect(world.versionOf("beta")).toBe("23");
  expect((await rollbacks(world)).length).toBeLessThan(2);
  await world.drive();
  expect(await world.unresolved()).toEqual([]);
});

it("a version that is deleted while it is guarded holds up nobody, and nothing is done about it", async () => {
  const world = await aBadVersion();
  const catalog = {
    ...world.guard.catalog,
    aliases: async () => [{ alias: "stable", version: "22" }],
    versions: async () => [],
  };
  await runGuards({ ...world.guard, catalog });
  expect(await made(world)).toEqual([]);
});

it("without a version to go back to a guard says what it waits for", async () => {
  const world = await aBadVersion();
  const catalog = { ...world.guard.catalog, versions: async () => [] };
  await runGuards({ ...world.guard, catalog });
  expect((await world.watch())?.waits).toBe("there is no other version to take beta back to");
  expect(world.versionOf("beta")).toBe("24");
});

it("counts that are lost let a version go on, and those that are back take it back", async () => {
  const world = await aBadVersion();
  const events = { ...world.guard.events, counts: async () => ({ counts: [], dropped: 9 }) };
  await runGuards({ ...world.guard, events });
  expect((await world.watch())?.verdict?.says).toBe("no verdict");
  await world.look();
  expect(world.versionOf("beta")).toBe("23");
});

it("counts that are doubled change nothing about a healthy version, nor about a bad one", async () => {
  const doubled = async (world: World) => {
    const { counts } = world.guard.events;
    const twice: typeof counts = async (...asked) => {
      const read = await counts(...asked);
      return {
        ...read,
        counts: read.counts.map((one) => ({ ...one, firsts: 2 * one.firsts, failed: 2 * one.failed })),
      };
    };
    await runGuards({ ...world.guard, events: { ...world.guard.events, counts: twice } });
    return world.versionOf("beta");
  };
  expect(await doubled(await aBadVersion({ fails: () => false }))).toBe("24");
  expect(await doubled(await aBadVersion())).toBe("23");
});

it("a guard that is killed while it counts again has done nothing, and the next one does it", async () => {
  const world = await aBadVersion();
  const events = { ...world.guard.events, deliveriesOf: () => Promise.reject(new Error("killed")) };
  await expect(runGuards({ ...world.guard, events })).rejects.toThrow("killed");
  expect(await made(world)).toEqual([]);
  await world.look();
  expect(await rollbacks(world)).toHaveLength(1);
});

it("stable that fails as much takes nothing back, and a version that still fails once stable is well isn't called healthy", async () => {
  let isOut = true;
  const world = await aGuardedVersion({ fails: (_, version) => isOut || version === "24" });
  await world.traffic(15);
  await world.move("beta", "24");
  await world.traffic(18);
  await world.look();
  expect(world.versionOf("beta")).toBe("24");
  isOut = false;
  await world.traffic(30);
  await world.look();
  expect((await world.watch())?.verdict?.says).toBe("no verdict");
});

it("beside a stable version that fails always there is no verdict, which says why, and nothing is done", async () => {
  let isOut = false;
  const world = await aGuardedVersion({ fails: (_, version) => isOut && version === "22" });
  await world.traffic(60);
  await world.move("beta", "24");
  isOut = true;
  await world.traffic(30);
  await world.look();
  const verdict = (await world.watch())?.verdict;
  expect(verdict && verdictText(verdict, "24")).toBe(
    "no verdict: 0 of 120 first attempts failed; stable itself fails too often for any number of deliveries to show ×10",
  );
  expect(await made(world)).toEqual([]);
});
