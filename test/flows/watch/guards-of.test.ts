import { expect, it } from "vitest";
import { newWatch, type Trip } from "../../../shared/domain/health/watch.ts";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { guardsOf } from "../../../shared/flows/watch/guards-of.ts";
import { aGuardedVersion, RC } from "../../support/guarded-version.ts";

const AT = "2026-11-20T10:00:00.000Z";

const trip: Trip = {
  at: AT,
  stage: "ended",
  mode: "rollback",
  verdict: { says: "worse", metrics: [], more: 0 },
  why: "it is worse",
  revision: 0,
};

function watchOver(version: string, alias = "beta") {
  return newWatch({ component: RC, alias, version }, new Date(AT), new Date(AT));
}

it("a guarded alias stands there with its version, and with its watch once somebody has looked", async () => {
  const world = await aGuardedVersion();
  const guarded = { component: RC, alias: "beta", version: "23", isThere: true, guard: { mode: "undo" } };
  const [first, ...others] = await guardsOf(world.guard);
  expect(first).toMatchObject(guarded);
  expect(others).toEqual([]);
  for (const name of ["watch", "outranked"]) expect(first).not.toHaveProperty(name);
  await world.guard.watches.put(watchOver("22"));
  await world.guard.watches.put(watchOver("23", "stable"));
  await world.guard.watches.put(watchOver("23"));
  expect(await guardsOf(world.guard, RC)).toMatchObject([{ ...guarded, watch: { version: "23", alias: "beta" } }]);
});

it("a guarded alias that points nowhere has no version", async () => {
  const world = await aGuardedVersion();
  const catalog = { aliases: async () => [{ alias: "stable", version: "22" }] };
  expect(await guardsOf({ ...world.guard, catalog })).toMatchObject([{ alias: "beta", version: null }]);
});

it("a version that was found to be worse stays told, there or not, guarded or not, once", async () => {
  for (const guarded of [true, false]) {
    const world = await aGuardedVersion({ guarded });
    await world.guard.watches.put({ ...watchOver("24"), trip });
    await world.guard.watches.put({ ...watchOver("23"), trip });
    const told = (await guardsOf(world.guard)).map(({ version, isThere, watch }) => [version, isThere, watch?.version]);
    expect(told).toEqual([
      ["23", true, "23"],
      ["24", false, "24"],
    ]);
  }
});

it("nothing is told of a component without guards that nobody has found anything of", async () => {
  const world = await aGuardedVersion({ guarded: false });
  expect(await guardsOf(world.guard)).toEqual([]);
  await world.guard.watches.put(watchOver("23"));
  expect(await guardsOf(world.guard)).toEqual([]);
  await expect(guardsOf(world.guard, "mailr")).rejects.toThrow("mailr");
});

it("a guard that a freeze or all-stable outranks says so, the freeze first", async () => {
  const allStable = { who: "bob", why: "an outage", at: AT };
  const world = await aGuardedVersion({ about: { allStable } });
  const outranked = async () => (await guardsOf(world.guard))[0]?.outranked;
  expect(await outranked()).toBe("everything goes to stable, as bob says: an outage");
  const freeze = { who: "ada", why: "an audit", at: AT };
  await world.change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } });
  expect(await outranked()).toContain("frozen by ada");
});
