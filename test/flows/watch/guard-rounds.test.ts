import { expect, it } from "vitest";
import { newWatch, type Trip, type Watch } from "../../../shared/domain/health/watch.ts";
import { runGuards } from "../../../shared/flows/watch/run-guards.ts";
import { aGuardedVersion, RC } from "../../support/guarded-version.ts";

/** A watch over a version behind an alias, as it is stored. */
function watchOver(about: Partial<Watch>, since: Date): Watch {
  return { ...newWatch({ component: RC, alias: "beta", version: "24", ...about }, since, since), ...about };
}

const trip = (at: Date, about: Partial<Trip> = {}): Trip => ({
  at: at.toISOString(),
  stage: "ended",
  mode: "rollback",
  verdict: { says: "worse", metrics: [], more: 0 },
  why: "24 is worse",
  revision: 0,
  ...about,
});

/** Component, alias and version of what is watched. */
async function watched({ guard }: Awaited<ReturnType<typeof aGuardedVersion>>) {
  return (await guard.watches.watches()).map(({ component, alias, version }) => [component, alias, version].join(" "));
}

it("what found nothing is forgotten once its version has left the alias, and what found something stays", async () => {
  const world = await aGuardedVersion();
  const now = world.time.now();
  await world.guard.watches.put(watchOver({ version: "24" }, now));
  await world.guard.watches.put(watchOver({ version: "25", trip: trip(now) }, now));
  // Stable's version, but not behind beta.
  await world.guard.watches.put(watchOver({ version: "22" }, now));
  await world.look();
  expect(await watched(world)).toEqual([`${RC} beta 23`, `${RC} beta 25`]);
});

it("what is watched is forgotten once nobody guards its alias", async () => {
  const world = await aGuardedVersion({ guarded: false });
  await world.guard.watches.put(watchOver({ version: "23" }, world.time.now()));
  await world.look();
  expect(await watched(world)).toEqual([]);
});

it("a guard whose alias points nowhere watches nothing", async () => {
  const world = await aGuardedVersion();
  const catalog = { ...world.guard.catalog, aliases: async () => [{ alias: "stable", version: "22" }] };
  await runGuards({ ...world.guard, catalog });
  expect(await watched(world)).toEqual([]);
});

it("a component without guards, of which nothing is watched, isn't asked for its aliases", async () => {
  const world = await aGuardedVersion({ guarded: false });
  let asked = 0;
  const aliases = (name: string) => {
    asked += 1;
    return world.guard.catalog.aliases(name);
  };
  await runGuards({ ...world.guard, catalog: { ...world.guard.catalog, aliases } });
  expect(asked).toBe(0);
});

it("guards say what has failed when a component's aliases can't be read", async () => {
  const world = await aGuardedVersion();
  const aliases = () => Promise.reject(new Error("no answer"));
  await expect(runGuards({ ...world.guard, catalog: { ...world.guard.catalog, aliases } })).rejects.toThrow(
    "no answer",
  );
});

it("what another guard is about is left to it until its lease ends", async () => {
  const world = await aGuardedVersion();
  await world.move("beta", "24", true);
  const now = world.time.now();
  const acting = trip(now, { stage: "acting", to: "23", revision: await world.table.head() });
  const keeper = { id: "another", until: new Date(now.getTime() + 30_000).toISOString() };
  await world.guard.watches.put(watchOver({ trip: acting, keeper }, now));
  await world.look();
  expect(world.versionOf("beta")).toBe("24");
  expect(await world.watch()).toMatchObject({ keeper });
  await world.time.pass(30_000);
  await world.look();
  expect(world.versionOf("beta")).toBe("23");
  const ended = await world.watch();
  expect(ended).toMatchObject({ trip: { stage: "ended" } });
  expect(ended).not.toHaveProperty("keeper");
});

it("a version that was found to be worse is watched anew only once it has come back", async () => {
  const world = await aGuardedVersion();
  await world.move("beta", "24", true);
  await world.time.pass(60_000);
  await world.guard.watches.put(watchOver({ trip: trip(world.time.now()) }, world.time.now()));
  await world.look();
  expect(await world.watch()).toHaveProperty("trip");
  await world.time.pass(60_000);
  await world.move("beta", "23", true);
  await world.move("beta", "24", true);
  await world.look();
  expect(await world.watch()).not.toHaveProperty("trip");
});

it("the reason names the error that the version's failures show most, and no other version's", async () => {
  const world = await aGuardedVersion({ mode: "watch" });
  await world.traffic(20);
  await world.move("beta", "24");
  await world.traffic(18);
  const at = world.time.now();
  const of = { at, component: RC, because: "customer pin", type: "order paid", requestId: "r" } as const;
  const told = (n: number, version: string, alias: string, errorType: string) => ({
    ...of,
    ...{ deliveryKey: `x-${n}`, eventId: `x-${n}`, subject: {}, version, alias, errorType, message: "no" },
  });
  const failures = [
    told(0, "24", "beta", "Rare"),
    ...Array.from({ length: 90 }, (_, n) => told(n + 1, "22", "stable", "Another")),
    ...Array.from({ length: 90 }, (_, n) => told(n + 100, "22", "beta", "Another")),
  ];
  const events = {
    ...world.guard.events,
    failures: async (...asked: Parameters<typeof world.guard.events.failures>) => [
      ...failures,
      ...(await world.guard.events.failures(...asked)),
    ],
  };
  await runGuards({ ...world.guard, events });
  expect((await world.watch())?.trip?.why).toMatch(/; most of all Broken: it broke, first seen on 24(; |$)/);
});

it("a guard of mode undo that runs everything again says so in what it has found", async () => {
  for (const all of [true, undefined] as const) {
    const world = await aGuardedVersion({ mode: "watch" });
    await world.change({
      kind: "change component",
      component: RC,
      change: {
        set: "guard",
        alias: "beta",
        guard: { mode: "undo", who: "ada", why: "new", at: "2026-11-20T10:00:00.000Z", ...(all && { all }) },
      },
    });
    await world.traffic(20);
    await world.move("beta", "24");
    await world.traffic(18);
    await world.look();
    expect((await world.watch())?.trip?.all).toBe(all);
  }
});
