import { expect, it } from "vitest";
import { aGuardedVersion, RC } from "../../support/guarded-version.ts";

const invocation = { kind: "async", maxEventAgeMs: 3_600_000 } as const;

/** Twenty minutes of version 23, and then 24 for so many rounds of ten seconds; nothing fails, but of some nobody hears. */
async function aNewVersion(loses: (version: string, n: number) => boolean, rounds = 36) {
  let sent = 0;
  const world = await aGuardedVersion({
    mode: "rollback",
    fails: () => false,
    loses: (_, version) => loses(version, ++sent),
    about: { invocation },
  });
  await world.traffic(40, 30_000);
  await world.move("beta", "24");
  await world.traffic(rounds);
  return world;
}

it("a version that gives no outcome of what it took is taken back, long before its events' deadline", async () => {
  const world = await aNewVersion((version) => version === "24");
  await world.look();
  const trip = (await world.watch())?.trip;
  expect(trip?.why).toMatch(
    /^24 is worse: (\d+) of \1 \(100.0 %\) of its first attempts gave no outcome, 0 of \d+ \(0.0 %\) of stable's beside it, 0 of/,
  );
  expect(trip?.verdict.metrics.find(({ level }) => level === "act")?.metric).toBe("missing");
  expect(world.versionOf("beta")).toBe("23");
  expect((await world.log()).at(-1)).toMatchObject({ who: `guard/${RC}`, move: { kind: "rollback" } });
});

it.each([
  ["stable gives none of as many", (_: string, n: number) => n % 3 === 0],
  ["hardly any is missing", (version: string, n: number) => version === "24" && n % 40 === 0],
])("a version isn't taken back where %s", async (_, loses) => {
  const world = await aNewVersion(loses);
  await world.look();
  expect((await world.watch())?.trip).toBeUndefined();
  expect(world.versionOf("beta")).toBe("24");
});

it("nothing is missing that was taken within the last minute", async () => {
  const world = await aNewVersion((version) => version === "24", 5);
  await world.look();
  expect(await world.watch()).not.toHaveProperty("recountedAt");
});
