import { expect, it } from "vitest";
import type { Trip, Watch } from "../../../shared/domain/health/watch.ts";
import { newWatch } from "../../../shared/domain/health/watch.ts";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { moveAlias } from "../../../shared/flows/versions/move-alias.ts";
import { actOnTrip } from "../../../shared/flows/watch/act-on-trip.ts";
import type { GuardPorts } from "../../../shared/flows/watch/guard-ports.ts";
import { aGuardedVersion, type GuardedOptions, RC } from "../../support/guarded-version.ts";
import { eventually } from "../../support/port-calls.ts";
import { aRelease } from "../../support/releases.ts";

const WHY = "24 is worse: 40 of 40 of its first attempts failed";
const FREEZE = { who: "ada", why: "an audit", at: "2026-11-20T10:00:00.000Z" };

type Step = { trip: Trip; waits?: string };

/** Version 24 behind beta, where 23 was before, and a guard that has found it to be worse. */
async function aTrip(about: Partial<Trip> = {}, options: Pick<GuardedOptions, "about"> = {}) {
  const world = await aGuardedVersion(options);
  // Turnout has promoted each of them.
  world.set("beta", "22");
  await world.move("beta", "23", true);
  await world.move("beta", "24", true);
  const since = world.time.now();
  const trip: Trip = {
    at: since.toISOString(),
    stage: "found",
    mode: "rollback",
    verdict: { says: "worse", metrics: [], more: 0 },
    why: WHY,
    revision: await world.table.head(),
    ...about,
  };
  const watch: Watch = newWatch({ component: RC, alias: "beta", version: "24" }, since, since);
  const called: string[] = [];
  const callReplayer = async (name: string) => void called.push(name);

  /** Does what is to be done, from there. Answers what was stored of it, step by step. */
  async function act(
    from: Trip = trip,
    ports: Partial<GuardPorts> = {},
    keeps = (_: Step) => true,
    ruled: Partial<Component> = {},
  ): Promise<Step[]> {
    const all = { ...world.guard, callReplayer, ...ports };
    const steps: Step[] = [];
    const component = (await all.routingTable.components()).components.find(({ name }) => name === RC);
    if (component === undefined) throw new Error("no component");
    await actOnTrip(
      all,
      { ...component, ...ruled },
      { ...watch, trip: from },
      await all.catalog.aliases(RC),
      async (step) => {
        steps.push(step);
        return keeps(step) ? { ...watch, trip: step.trip } : undefined;
      },
    );
    return steps;
  }

  const badVersions = async () => (await world.table.components()).components[0]?.badVersions ?? [];
  const rollbacks = async () =>
    (await world.table.changesAfter(0, 1_000)).filter(
      ({ move }) => move?.kind === "rollback" && move.stage === "settled",
    );
  return { ...world, trip, act, called, badVersions, rollbacks };
}

it("a version that is worse is marked, and its alias goes back to the version before, with the reason in the log", async () => {
  const world = await aTrip();
  const [acting, ended, ...more] = await world.act();
  expect(acting).toMatchObject({ trip: { stage: "acting", to: "23", why: WHY } });
  expect(ended?.trip).toMatchObject({ stage: "ended", done: "beta went back to version 23" });
  expect(more).toEqual([]);
  expect(world.versionOf("beta")).toBe("23");
  expect(await world.badVersions()).toEqual([{ version: "24", alias: "beta", why: WHY, at: world.trip.at }]);
  const made = (await world.log()).filter(({ who }) => who === `guard/${RC}`);
  expect(made.map(({ why, command }) => [why, command])).toEqual(Array(3).fill([WHY, "guard of beta, mode rollback"]));
  expect(await world.replays.list(5)).toEqual([]);
  expect(world.called).toEqual([]);
});

it.each([
  [{}, "finish"],
  [{ all: true as const }, "rerun"],
])("mode undo also has delivered again what the version has left behind its alias (%j: %s)", async (about, mode) => {
  const world = await aTrip({ mode: "undo", ...about });
  const [acting, ended] = await world.act();
  const name = acting?.trip.replay ?? "";
  expect(name).toMatch(/^guard-beta-24-[a-z0-9]{1,8}$/);
  expect(ended?.trip.done).toBe(`beta went back to version 23, and replay ${name} delivers what it left`);
  expect(world.called).toEqual([name]);
  expect(await world.replays.list(5)).toMatchObject([
    {
      name,
      who: `guard/${RC}`,
      why: WHY,
      command: "guard of beta, mode undo",
      mode,
      avoidVersion: "24",
      filter: { component: RC, executedVersion: "24", ranBehind: "beta", ranSince: world.trip.at },
    },
  ]);
  expect((await world.rollbacks()).map(({ move }) => move?.replay)).toEqual([name]);
});

it("a replay is named so that it may be, whatever its version is called and ids look like", async () => {
  const version = `Release_2026.11-${"x".repeat(60)}`;
  const world = await aTrip();
  const watched = { ...newWatch({ component: RC, alias: "beta", version }, new Date(0), new Date(0)) };
  const trip: Trip = { ...world.trip, mode: "undo" };
  const names: (string | undefined)[] = [];
  const component = (await world.table.components()).components[0];
  if (component === undefined) throw new Error("no component");
  const ports = { ...world.guard, newId: () => "01JD-ABC-0123456789ab" };
  await actOnTrip(ports, component, { ...watched, trip }, [{ alias: "beta", version }], async (step) => {
    names.push(step.trip.replay);
    return undefined;
  });
  expect(names).toEqual(["guard-beta-release-2026-11-xxxxxxxxxxxxxxxxxxxxxxx-01012345"]);
});

it.each(["watch", "hold"] as const)("mode %s marks the version and leaves the rest to a person", async (mode) => {
  const world = await aTrip({ mode });
  expect(await world.act()).toMatchObject([{ trip: { stage: "ended", done: "a person decides: nothing was moved" } }]);
  expect(world.versionOf("beta")).toBe("24");
  expect(await world.badVersions()).toMatchObject([{ version: "24" }]);
});

it.each([
  ["undo", "left to release 4-faster, whose guard is undo"],
  ["hold", "left to release 4-faster, whose guard is hold"],
  ["watch", "a person decides: nothing was moved"],
] as const)("what a release's guard finds is left to the release, whose guard is %s", async (guard, done) => {
  const world = await aTrip({ mode: "hold" });
  const release = aRelease({ guard });
  const guards = { beta: { mode: "hold" as const, who: "release/4-faster", why: "x", at: world.trip.at } };
  const acting = await world.act(world.trip, {}, undefined, { release, guards });
  expect(acting).toMatchObject([{ trip: { stage: "ended", done } }]);
  const ofAPerson = { beta: { ...guards.beta, who: "ada" } };
  expect(await world.act(world.trip, {}, undefined, { release, guards: ofAPerson })).toMatchObject([
    { trip: { done: "a person decides: nothing was moved" } },
  ]);
});

it("a guard that goes on with what it has begun doesn't mark the version again, which somebody may have cleared", async () => {
  const world = await aTrip();
  expect(await world.act({ ...world.trip, stage: "acting", to: "23" })).toMatchObject([{ trip: { stage: "ended" } }]);
  expect(world.versionOf("beta")).toBe("23");
  expect(await world.badVersions()).toEqual([]);
});

it("a freeze, and that everything goes to stable, keep a guard from moving anything", async () => {
  const frozen = await aTrip();
  await frozen.change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze: FREEZE } });
  expect(await frozen.act()).toMatchObject([
    { trip: { stage: "found" }, waits: expect.stringContaining("frozen by ada") },
  ]);
  expect(frozen.versionOf("beta")).toBe("24");
  const allStable = { who: "ada", why: "an outage", at: FREEZE.at };
  const diverted = await aTrip({}, { about: { allStable } });
  expect(await diverted.act()).toMatchObject([{ trip: { stage: "found" }, waits: "everything goes to stable" }]);
  expect(diverted.versionOf("beta")).toBe("24");
});

it("a freeze that comes once a guard has begun makes it wait", async () => {
  const world = await aTrip();
  await world.change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze: FREEZE } });
  const acting: Trip = { ...world.trip, stage: "acting", to: "23" };
  expect(await world.act(acting)).toMatchObject([
    { trip: { stage: "acting" }, waits: "another change of the routing is under way" },
  ]);
  expect(world.versionOf("beta")).toBe("24");
});

const bad = (version: string) => ({ version, alias: "beta", why: "it was worse", at: FREEZE.at });

it("an alias goes back to stable's version where the one before is bad itself, or gone", async () => {
  const known = await aTrip({}, { about: { badVersions: [bad("23")] } });
  await known.act();
  expect(known.versionOf("beta")).toBe("22");
  const gone = await aTrip();
  const versions = async (name: string) =>
    (await gone.guard.catalog.versions(name)).filter(({ version }) => version !== "23");
  await gone.act(gone.trip, { catalog: { ...gone.guard.catalog, versions } });
  expect(gone.versionOf("beta")).toBe("22");
});

it("no guardrail keeps an alias on a version that is worse, also where the one that it goes to was never behind it", async () => {
  const world = await aTrip({}, { about: { badVersions: [bad("23"), bad("22")] } });
  world.set("stable", "25");
  await world.change({
    kind: "set guardrails",
    guardrails: { ...DEFAULT_GUARDRAILS, protectedSubjects: ["customer#acme"], maxCustomersOff: 0 },
  });
  await world.act();
  expect(world.versionOf("beta")).toBe("25");
});

it("a guard waits where there is no other version to go back to", async () => {
  const world = await aTrip({}, { about: { badVersions: [bad("23"), bad("22")] } });
  expect(await world.act()).toMatchObject([{ waits: "there is no other version to take beta back to" }]);
  const same = await aTrip({}, { about: { badVersions: [bad("23")] } });
  same.set("stable", "24");
  expect(await same.act()).toMatchObject([{ waits: "there is no other version to take beta back to" }]);
  expect(same.versionOf("beta")).toBe("24");
});

it("a trip ends where somebody has moved the alias, before the guard has begun or after", async () => {
  for (const about of [{}, { stage: "acting", to: "23", replay: "guard-beta-24-1" } as const]) {
    const world = await aTrip(about);
    world.set("beta", "25");
    expect(await world.act()).toMatchObject([{ trip: { stage: "ended", done: "somebody has moved beta already" } }]);
    expect(world.versionOf("beta")).toBe("25");
    expect(await world.replays.list(5)).toEqual([]);
  }
});

it("nothing is moved by a guard whose trip another has taken over", async () => {
  const world = await aTrip();
  expect(await world.act(world.trip, {}, () => false)).toHaveLength(1);
  expect(world.versionOf("beta")).toBe("24");
});

/** As a guard, or somebody else, takes beta back. */
function takingBack(world: Awaited<ReturnType<typeof aTrip>>, who: string) {
  const move = { component: RC, alias: "beta", from: "24", to: "23" };
  const by = { who, why: WHY, command: "rollback", at: world.time.now(), force: true };
  return moveAlias({ ...world.guard, table: world.table }, { move, kind: "rollback", ...by });
}

it("a rollback that the guard has made by the time it was stopped is not made again, and what it left is delivered", async () => {
  const world = await aTrip();
  // However much others have changed meanwhile.
  for (let n = 0; n < 250; n++) await world.change({ kind: "set plan", customer: `c-${n}`, plan: "free" });
  await takingBack(world, `guard/${RC}`);
  const acting: Trip = { ...world.trip, mode: "undo", stage: "acting", to: "23", replay: "guard-beta-24-1" };
  for (const _ of ["once", "twice"]) {
    expect(await world.act(acting)).toMatchObject([{ trip: { stage: "ended" } }]);
    expect(await world.replays.list(5)).toMatchObject([{ name: "guard-beta-24-1" }]);
  }
  expect(await world.rollbacks()).toHaveLength(1);
  expect(world.called).toEqual(["guard-beta-24-1", "guard-beta-24-1"]);
});

it("somebody else's rollback isn't the guard's: it delivers nothing of what was left", async () => {
  const world = await aTrip();
  await takingBack(world, "ada");
  const acting: Trip = { ...world.trip, mode: "undo", stage: "acting", to: "23", replay: "guard-beta-24-1" };
  expect(await world.act(acting)).toMatchObject([{ trip: { done: "somebody has moved beta already" } }]);
  expect(await world.replays.list(5)).toEqual([]);
});

it("a version that comes back, and is worse again, is taken back again", async () => {
  const world = await aTrip();
  await takingBack(world, `guard/${RC}`);
  await world.move("beta", "24", true);
  await world.act({ ...world.trip, stage: "acting", to: "23", revision: await world.table.head() });
  expect(world.versionOf("beta")).toBe("23");
  expect(await world.rollbacks()).toHaveLength(2);
});

it("a guard waits for its own move that a crash has left half-way", async () => {
  const world = await aTrip();
  world.calls.fail("moveAlias");
  const acting: Trip = { ...world.trip, stage: "acting", to: "23" };
  await expect(takingBack(world, `guard/${RC}`)).rejects.toThrow();
  expect(await world.act(acting)).toMatchObject([
    { trip: { stage: "acting" }, waits: "another change of the routing is under way" },
  ]);
  expect(await world.rollbacks()).toEqual([]);
});

it("a guard whose move is overtaken by another change of the routing waits, and one that can't move says why", async () => {
  const world = await aTrip();
  const acting: Trip = { ...world.trip, stage: "acting", to: "23" };
  const held = world.calls.hold("commit");
  const acted = world.act(acting);
  await eventually(held.reached);
  await world.change({ kind: "set plan", customer: "acme", plan: "free" });
  held.release();
  expect(await acted).toMatchObject([{ waits: "another change of the routing is under way" }]);
  expect(world.versionOf("beta")).toBe("24");
  world.calls.fail("moveAlias");
  await expect(world.act(acting)).rejects.toThrow("moveAlias failed");
});
