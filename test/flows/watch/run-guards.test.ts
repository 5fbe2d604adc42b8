import { expect, it, vi } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import { noCounts, spanStart } from "../../../shared/domain/health/delivery-count.ts";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { runGuards } from "../../../shared/flows/watch/run-guards.ts";
import { aGuardedVersion, RC } from "../../support/guarded-version.ts";
import { eventually } from "../../support/port-calls.ts";

/** Ten minutes of version 23, and then 24 with this. */
async function aNewVersion(options: Parameters<typeof aGuardedVersion>[0] = {}) {
  const world = await aGuardedVersion(options);
  await world.traffic(20);
  await world.move("beta", "24");
  return world;
}

it("a version that fails is taken back, and what it left is finished on the version before", async () => {
  const world = await aNewVersion();
  await world.traffic(18);
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

it("a version that was found to be bad goes nowhere without force, and may be found to be bad again", async () => {
  const world = await aNewVersion({ mode: "rollback" });
  await world.traffic(18);
  await world.look();
  expect(world.versionOf("beta")).toBe("23");
  await expect(world.move("beta", "24")).rejects.toThrow("version 24 was found to be bad behind beta at 2026");
  await expect(world.move("stable", "24")).rejects.toThrow("24 is worse: ");
  await world.time.pass(60_000);
  await world.move("beta", "24", true);
  await world.look();
  expect(world.versionOf("beta")).toBe("24");
  await world.traffic(18);
  await world.look();
  expect(world.versionOf("beta")).toBe("23");
});

it.each(["watch", "hold"] as const)("mode %s marks a bad version, once, and moves nothing", async (mode) => {
  const world = await aNewVersion({ mode });
  await world.traffic(18);
  for (let look = 0; look < 3; look++) await world.look();
  expect(world.versionOf("beta")).toBe("24");
  expect((await world.log()).filter(({ who }) => who === `guard/${RC}`)).toHaveLength(1);
  expect(await world.watch()).toMatchObject({ trip: { stage: "ended", done: "a person decides: nothing was moved" } });
});

it.each([
  ["healthy", () => false],
  ["failing as stable does", () => true],
  [
    "failing for one customer of four",
    ({ subject }: { subject?: { customer?: string } }) => subject?.customer === "acme",
  ],
])("a version that is %s is left alone", async (_, fails) => {
  const world = await aNewVersion({
    fails: (send) => fails(JSON.parse(send.payload).turnout),
  });
  await world.traffic(30);
  await world.look();
  const watch = await world.watch();
  expect(watch?.verdict?.says).not.toBe("worse");
  expect(world.versionOf("beta")).toBe("24");
  expect(watch?.trip).toBeUndefined();
});

it("a version that gets no traffic has no verdict, and one that is healthy for long is called so", async () => {
  const world = await aGuardedVersion({ fails: () => false });
  await world.traffic(60);
  await world.move("beta", "24");
  await world.look();
  expect((await world.watch())?.verdict).toMatchObject({ says: "no verdict", more: null });
  await world.traffic(3);
  await world.look();
  const early = (await world.watch())?.verdict;
  expect(early).toMatchObject({ says: "no verdict", more: expect.any(Number) });
  expect(early?.more).toBeGreaterThan(0);
  await world.traffic(90);
  await world.look();
  expect((await world.watch())?.verdict).toMatchObject({ says: "healthy so far", more: 0 });
});

it("a freeze and all-stable outrank a guard, which acts once they have ended", async () => {
  const world = await aNewVersion();
  const freeze = { who: "ada", why: "an audit", at: "2026-11-20T10:00:00.000Z" };
  await world.change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } });
  await world.traffic(18);
  await world.look();
  expect(world.versionOf("beta")).toBe("24");
  expect(await world.watch()).toMatchObject({
    waits: expect.stringContaining("frozen by ada"),
    trip: { stage: "found" },
  });
  await world.change({ kind: "set guardrails", guardrails: DEFAULT_GUARDRAILS });
  await world.look();
  expect(world.versionOf("beta")).toBe("23");
});

it("an alias that was moved behind Turnout's back is judged from when that is seen, and goes back to stable's version", async () => {
  const world = await aGuardedVersion();
  await world.traffic(20);
  world.set("beta", "24");
  await world.look();
  await world.traffic(24);
  await world.look();
  expect(world.versionOf("beta")).toBe("22");
});

it("a trip ends where somebody has moved the alias already", async () => {
  const world = await aNewVersion();
  await world.traffic(18);
  const mark = world.calls.hold("commit");
  const looking = world.look();
  await eventually(mark.reached);
  world.set("beta", "25");
  mark.release();
  await looking;
  expect(world.versionOf("beta")).toBe("25");
  await world.look();
  expect(await world.watch()).toMatchObject({ version: "24", trip: { stage: "ended" } });
  expect((await world.replays.active()).length).toBe(0);
});

/** Sixty failures of version 24 are counted that the ledger has nothing of. */
async function countGhosts(world: Awaited<ReturnType<typeof aNewVersion>>): Promise<void> {
  const at = world.time.now();
  const failure = {
    at,
    component: RC,
    version: "24",
    alias: "beta",
    because: "customer pin",
    type: "order placed",
  } as const;
  const failures = Array.from({ length: 60 }, (_, n) => {
    const about = { deliveryKey: `d-${n}`, eventId: `e-${n}`, subject: { customer: `c-${n}` } };
    return { ...failure, ...about, errorType: "Broken", message: "it broke", requestId: "r" };
  });
  const counts = {
    component: RC,
    version: "24",
    alias: "beta",
    type: failure.type,
    at,
    ...noCounts(),
    firsts: 60,
    failed: 60,
  };
  await world.events.count(
    {
      spans: [
        {
          span: "minute",
          from: spanStart(at, "minute"),
          counts: [{ ...counts, at: spanStart(at, "minute") }],
          dropped: 0,
        },
      ],
      failures,
    },
    "ghost",
  );
}

/** The ledger has more events than are counted again: behind those that there are, the last one so many times. */
function overfill({ events }: Awaited<ReturnType<typeof aNewVersion>>): void {
  const records = events.records.bind(events);
  vi.spyOn(events, "records").mockImplementation(async function* (...window) {
    let last: EventRecord | undefined;
    for await (const page of records(...window)) {
      last = page.at(-1) ?? last;
      yield page;
    }
    if (last !== undefined) yield Array.from({ length: 50_000 }, () => last as EventRecord);
  });
}

it("counts that are more than the ledger has are no reason to act", async () => {
  const world = await aNewVersion({ fails: () => false });
  await world.traffic(18);
  await countGhosts(world);
  await world.look();
  expect(world.versionOf("beta")).toBe("24");
  const watch = await world.watch();
  expect(watch).toMatchObject({ waits: expect.stringContaining("ledger"), recountedAt: expect.any(String) });
  expect(watch?.trip).toBeUndefined();
  const records = vi.spyOn(world.events, "deliveriesOf");
  await world.look();
  expect(records, "the ledger isn't counted again at each look").not.toHaveBeenCalled();
});

it("the reason says what the failures have in common, as 'failures' finds it, and is written also where that can't be found", async () => {
  const isOfTwo = ({ payload }: { payload: string }, version: string) =>
    version === "24" && ["acme", "globex"].includes(JSON.parse(payload).turnout.subject.customer);
  const world = await aNewVersion({ fails: isOfTwo });
  await world.traffic(48);
  await world.look();
  const why = (await world.watch())?.trip?.why;
  expect(why).toMatch(/; most of all Broken: it broke, first seen on 24; customer (acme|globex): \d+ of the failures/);
  expect((await world.log()).filter(({ who }) => who === `guard/${RC}`).every((made) => made.why === why)).toBe(true);
  const other = await aNewVersion({ mode: "watch" });
  await other.traffic(18);
  const events = { ...other.guard.events, find: () => Promise.reject(new Error("no answer")) };
  await runGuards({ ...other.guard, events });
  expect((await other.watch())?.trip?.why).toMatch(/^24 is worse: [^;]*$/);
});

it("of more events than are counted again the newest tell, and a version that fails among them is taken back", async () => {
  const world = await aNewVersion();
  await world.traffic(18);
  overfill(world);
  await world.look();
  expect(world.versionOf("beta")).toBe("23");
});

it("counts that say more than twice of what the newest events do are no reason to act", async () => {
  const world = await aNewVersion({ fails: () => false });
  await world.traffic(18);
  await countGhosts(world);
  overfill(world);
  await world.look();
  expect(world.versionOf("beta")).toBe("24");
  const watch = await world.watch();
  expect(watch).toMatchObject({
    verdict: { says: "no verdict" },
    waits: "the counts say more than the ledger does",
    recountedAt: world.time.now().toISOString(),
  });
  expect(watch?.trip).toBeUndefined();
});
