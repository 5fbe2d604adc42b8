import { expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { releaseKeepers } from "../../../shared/flows/watch/release-keepers.ts";
import type { Send } from "../../../shared/targets/target.ts";
import { aGuardedVersion, type GuardedOptions, RC } from "../../support/guarded-version.ts";

const failsFor =
  (...customers: string[]) =>
  ({ payload }: Send, version: string) =>
    version === "24" && customers.includes(JSON.parse(payload).turnout.subject.customer);

/** An hour and a half of version 23, and then 24, which fails for acme alone, for some minutes. */
async function aVersionBadForOne(options: GuardedOptions = {}, rounds = 12) {
  const world = await aGuardedVersion({ fails: failsFor("acme"), ...options });
  await world.traffic(85, 60_000);
  await world.move("beta", "24");
  await world.traffic(rounds, 30_000);
  return world;
}

const pinsOf = async (world: Awaited<ReturnType<typeof aGuardedVersion>>, key: `customer#${string}`) => {
  const { rows } = await world.table.rows([key]);
  const row = rows.get(key);
  return row !== undefined && "pins" in row ? row.pins[RC] : undefined;
};

it("a customer whom a version fails for is taken off it, and what it left of theirs is finished on stable", async () => {
  const world = await aVersionBadForOne();
  await world.look();
  expect(world.versionOf("beta")).toBe("24");
  expect(await pinsOf(world, "customer#acme")).toMatchObject({ alias: "stable", who: `guard/${RC}` });
  expect(await pinsOf(world, "customer#globex")).toMatchObject({ alias: "beta" });
  const watch = await world.watch();
  const [taken] = watch?.taken ?? [];
  expect(watch?.trip).toBeUndefined();
  expect(taken?.why).toMatch(
    /^24 is worse for customer acme: 12 of 12 \(100.0 %\) of its first attempts failed, 0 of 240 \(0.0 %\) of stable's/,
  );
  const [made] = (await world.log()).filter(({ who }) => who === `guard/${RC}`);
  expect(made).toMatchObject({
    why: taken?.why,
    command: expect.stringContaining("customer acme taken off version 24"),
  });
  expect(taken?.done).toContain(`customer acme goes to stable until revision ${made?.revision} is reverted`);
  expect(world.notices.at(-1)?.detail).toMatchObject({ verdict: "worse for one", about: "customer acme" });
  await world.drive();
  expect(await world.unresolved()).toEqual([]);
});

it("whoever was taken off once stays where a person puts them, and a version isn't called worse for it", async () => {
  const world = await aVersionBadForOne();
  await world.look();
  const [made] = (await world.log()).filter(({ who }) => who === `guard/${RC}`);
  if (made === undefined) expect.unreachable();
  await world.change({ kind: "revert", changes: [made] });
  await world.traffic(12, 30_000);
  await world.look();
  expect(await pinsOf(world, "customer#acme")).toMatchObject({ alias: "beta" });
  expect(world.versionOf("beta")).toBe("24");
  expect((await world.watch())?.taken).toHaveLength(1);
});

it("a second customer whom it fails for is the version's fault: it is rolled back", async () => {
  const bad = new Set(["acme"]);
  const world = await aVersionBadForOne({ fails: (send, version) => failsFor(...bad)(send, version) });
  await world.look();
  bad.add("globex");
  await world.traffic(14, 30_000);
  await world.look();
  expect(world.versionOf("beta")).toBe("23");
  expect((await world.watch())?.trip?.why).toMatch(
    /^24 is worse for customer acme: .*; 24 is worse for customer globex: /,
  );
});

it("mode watch says whom a version fails for, once, and moves nobody", async () => {
  const world = await aVersionBadForOne({ mode: "watch" });
  for (let look = 0; look < 3; look++) await world.look();
  expect(await pinsOf(world, "customer#acme")).toMatchObject({ alias: "beta" });
  expect((await world.watch())?.taken).toMatchObject([{ done: "a person decides: nobody was moved" }]);
  expect(world.notices.filter(({ detail }) => detail.verdict === "worse for one")).toHaveLength(1);
});

it.each(["hold", "rollback"] as const)(
  "mode %s takes off whom a version fails for, and replays nothing",
  async (mode) => {
    const world = await aVersionBadForOne({ mode });
    await world.look();
    expect(await pinsOf(world, "customer#acme")).toMatchObject({ alias: "stable" });
    expect(await world.replays.list(5)).toEqual([]);
  },
);

it.each([
  ["three of four", (send: Send) => !JSON.parse(send.payload).turnout.subject.customer.startsWith("umbrella")],
  [
    "the same who are on the version, and half of the others",
    (send: Send) => JSON.parse(send.payload).turnout.subject.customer.length < 8,
  ],
])("nobody is taken off where it fails for %s", async (_, fails) => {
  let isOut = false;
  const world = await aVersionBadForOne({ fails: (send) => isOut && fails(send) }, 1);
  isOut = true;
  await world.traffic(14, 30_000);
  await world.look();
  const watch = await world.watch();
  expect([watch?.taken, watch?.trip, watch?.suspects?.length]).toEqual([undefined, undefined, 3]);
});

it("who failed before as they do now isn't taken off", async () => {
  const world = await aVersionBadForOne({
    fails: ({ payload }) => JSON.parse(payload).turnout.subject.customer === "acme",
  });
  await world.look();
  expect((await world.watch())?.taken).toBeUndefined();
});

it("with a history of two minutes nobody is taken off, however much has happened in them", async () => {
  const world = await aGuardedVersion({ fails: failsFor("acme") });
  await world.traffic(60, 2_000);
  await world.move("beta", "24");
  await world.traffic(20, 30_000);
  await world.look();
  expect((await world.watch())?.taken).toBeUndefined();
});

it("a freeze stands against taking somebody off, until it ends", async () => {
  const world = await aVersionBadForOne();
  const freeze = { who: "ada", why: "an audit", at: "2026-11-20T10:00:00.000Z" };
  await world.change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } });
  await world.look();
  expect(await pinsOf(world, "customer#acme")).toMatchObject({ alias: "beta" });
  expect((await world.watch())?.waits).toContain("frozen by ada");
  await world.change({ kind: "set guardrails", guardrails: DEFAULT_GUARDRAILS });
  await world.look();
  expect(await pinsOf(world, "customer#acme")).toMatchObject({ alias: "stable" });
});

it.each(
  ["put", "commit", "create"].flatMap((call) => (["before", "after"] as const).map((when) => [call, when] as const)),
)("a guard that is killed at its %s, %s it took effect, takes somebody off once", async (call, when) => {
  const world = await aVersionBadForOne();
  world.calls.fail(call, when, new Error("killed"));
  await world.look().catch(() => {});
  for (let look = 0; look < 3; look++) {
    await releaseKeepers(world.guard.watches);
    await world.look();
  }
  const made = (await world.log()).filter(({ who }) => who === `guard/${RC}`);
  expect(made).toHaveLength(1);
  expect(await world.replays.list(5)).toHaveLength(1);
  expect((await world.watch())?.taken).toMatchObject([{ who: "customer#acme", stage: "ended" }]);
  await world.drive();
  expect(await world.unresolved()).toEqual([]);
});

it("whoever drives replays is told of the one of whom was taken off, and a protected customer is taken off, too", async () => {
  const world = await aVersionBadForOne();
  const called: string[] = [];
  world.guard.callReplayer = async (name) => void called.push(name);
  const guardrails = { ...DEFAULT_GUARDRAILS, protectedSubjects: ["customer#acme" as const] };
  await world.change({ kind: "set guardrails", guardrails });
  await world.look();
  expect(await pinsOf(world, "customer#acme")).toMatchObject({ alias: "stable" });
  expect(called).toEqual((await world.replays.list(5)).map(({ name }) => name));
  expect(called).toEqual([expect.stringMatching(/^guard-beta-24-customer-acme-/)]);
});
