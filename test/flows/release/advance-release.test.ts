import { describe, expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { releaseEdit } from "../../../shared/domain/routing/release-edit.ts";
import { revertChanges } from "../../../shared/domain/routing/revert-row.ts";
import { healingReplay } from "../../../shared/flows/release/heal-release.ts";
import { finishMoves } from "../../../shared/flows/versions/finish-moves.ts";
import { aPin } from "../../support/builders.ts";
import { aRelease, aReleasing, BEGAN, minutesLater, RC } from "../../support/releases.ts";

const said = { who: "grace", why: "lunch", at: BEGAN.toISOString() };

describe("a release of a healthy version", () => {
  it("goes through its steps by itself, and ends with everybody on the version and none of its rules", async () => {
    const { start, look, rules, release, component, versionOf, table, healed } = await aReleasing();
    const before = await rules();
    await start();
    expect(await look(BEGAN)).toEqual(["move alias", "step"]);
    expect([versionOf("beta"), (await component()).cohortRoutes]).toEqual(["4", [{ cohort: "staff", alias: "beta" }]]);
    expect(await look(minutesLater(9))).toEqual([]);
    expect(await look(minutesLater(10))).toEqual(["step"]);
    const { rows } = await table.rows(["plan#free"]);
    expect(rows.get("plan#free")).toMatchObject({
      pins: { [RC]: { alias: "beta", who: "release/4-faster", why: "faster" } },
    });
    expect(await look(minutesLater(20))).toEqual(["step"]);
    expect((await component()).rollout).toEqual({ alias: "beta", basisPoints: 500, by: "customer", salt: "salt" });
    expect(await look(minutesLater(30))).toEqual(["step"]);
    expect((await component()).rollout).toMatchObject({ basisPoints: 10_000, salt: "salt" });
    expect(versionOf("stable")).toBe("1");
    expect(await look(minutesLater(40))).toEqual(["promote", "finish"]);
    expect([versionOf("stable"), versionOf("beta")]).toEqual(["4", "4"]);
    expect(await release()).toMatchObject({ ended: { how: "done", who: "release/4-faster" } });
    expect(await rules()).toBe(before);
    expect(healed).toEqual([]);
    const log = await table.changesAfter(3, 99);
    expect(new Set(log.map(({ who }) => who))).toEqual(new Set(["release/4-faster"]));
  });

  it("finds a rule that stands where it would set its own as it would, and leaves it there in the end", async () => {
    const { start, look, change, component } = await aReleasing();
    await change({
      kind: "change component",
      component: RC,
      change: { set: "cohort route", route: { cohort: "staff", alias: "beta" } },
    });
    await start({ steps: [{ kind: "cohort", cohort: "staff" }] });
    expect(await look(BEGAN)).toEqual(["move alias", "step"]);
    expect(await look(minutesLater(10))).toEqual(["promote", "finish"]);
    expect((await component()).cohortRoutes).toEqual([{ cohort: "staff", alias: "beta" }]);
  });

  it("waits while changes are frozen, and pauses where a guardrail stands in its way", async () => {
    const { start, look, change, release } = await aReleasing();
    await start();
    const guardrails = (about: object) =>
      change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, ...about } });
    await guardrails({ freeze: said });
    expect(await look(BEGAN)).toEqual([]);
    await guardrails({ protectedSubjects: ["plan#free"] });
    expect(await look(BEGAN)).toEqual(["move alias", "step"]);
    expect(await look(minutesLater(10))).toEqual(["pause"]);
    expect((await release()).paused).toMatchObject({
      who: "release/4-faster",
      why: "events of plan free would move on release-coordinator, and are protected",
    });
    await change(releaseEdit(RC, await release(), { do: "resume", id: "4-faster", force: true, ...said }));
    expect(await look(minutesLater(30))).toEqual(["step"]);
  });
});

describe("guardrails hold a release as a person", () => {
  it.each([
    [
      "a budget, at the step that would exceed it",
      { maxCustomersOff: 1 },
      ["move alias", "step"],
      "2 customers would sit off release-coordinator's default alias; the budget is 1",
    ],
    [
      "a protected customer who is on its alias already, at the alias's move",
      { protectedSubjects: ["customer#acme" as const] },
      [],
      "events of customer acme would move on release-coordinator, and are protected",
    ],
  ])("%s, which is said before it begins", async (_, about, done, why) => {
    const { start, look, change, release, plan, versionOf } = await aReleasing();
    await change({ kind: "pin", level: "customer", id: "acme", component: RC, pin: aPin({ alias: "beta" }) });
    await change({ kind: "set plan", customer: "globex", plan: "free" });
    await change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, ...about } });
    const planned = await plan();
    const previews = [planned.move?.preview, ...planned.steps.map(({ preview }) => preview)];
    expect(previews.flatMap((one) => one?.objections ?? []).map(({ says }) => says)).toContain(why);
    await start();
    const before = await look(BEGAN);
    const looks = [...before, ...(await look(minutesLater(10)))];
    expect(looks).toEqual([...done, "pause"]);
    expect((await release()).paused).toMatchObject({ who: "release/4-faster", why: expect.stringContaining(why) });
    await change(releaseEdit(RC, await release(), { do: "resume", id: "4-faster", force: true, ...said }));
    await look(minutesLater(20));
    expect([versionOf("beta"), (await release()).paused]).toEqual(["4", undefined]);
  });
});

describe("a release that is stopped", () => {
  it.each([
    ["undo", ["4-faster"]],
    ["rollback", []],
  ] as const)(
    "because its version is worse puts everybody back, and with %s has healed %j",
    async (guard, expected) => {
      const { start, look, rules, release, versionOf, judged, healed } = await aReleasing();
      const before = await rules();
      await start({ guard });
      for (const minutes of [0, 10, 20]) await look(minutesLater(minutes));
      judged.verdict = { says: "worse", told: "9 of 10 failed" };
      expect(await look(minutesLater(21))).toEqual(["take back", "end"]);
      expect([await rules(), versionOf("beta"), versionOf("stable")]).toEqual([before, "2", "1"]);
      expect(await release()).toMatchObject({ ended: { how: "stopped", why: "9 of 10 failed" } });
      expect(healed).toEqual(expected);
    },
  );

  it("by a person puts everybody back in one change", async () => {
    const { start, look, rules, release, versionOf, change, table } = await aReleasing();
    const before = await rules();
    await start();
    for (const minutes of [0, 10, 20]) await look(minutesLater(minutes));
    const head = await table.head();
    await change(releaseEdit(RC, await release(), { do: "take back", id: "4-faster", how: "aborted", ...said }));
    expect(await rules()).toBe(before);
    expect(await table.head()).toBe(head + 1);
    expect(await look(minutesLater(21))).toEqual(["end"]);
    expect(versionOf("beta")).toBe("2");
    expect(await release()).toMatchObject({ ended: { how: "aborted", who: "grace" } });
  });

  it("leaves what somebody has set in the place of its rules, and an alias that was moved on", async () => {
    const { start, look, release, versionOf, change, component, set, table } = await aReleasing();
    await start();
    for (const minutes of [0, 10, 20]) await look(minutesLater(minutes));
    const rollout = { alias: "beta", basisPoints: 10, by: "customer", salt: "salt" } as const;
    await change({ kind: "change component", component: RC, change: { set: "rollout", rollout } });
    set("beta", "5");
    await change(releaseEdit(RC, await release(), { do: "take back", id: "4-faster", how: "aborted", ...said }));
    await look(minutesLater(21));
    expect([versionOf("beta"), (await component()).rollout, (await component()).cohortRoutes]).toEqual([
      "5",
      rollout,
      [],
    ]);
    expect((await table.rows(["plan#free"])).rows.size).toBe(0);
  });
});

describe("a person's change", () => {
  it("pauses the release, which says who it was, and is theirs once it is resumed", async () => {
    const { start, look, release, change, component } = await aReleasing();
    await start();
    for (const minutes of [0, 10]) await look(minutesLater(minutes));
    const { revision } = await change(
      { kind: "unpin", level: "plan", id: "free", component: RC },
      { who: "grace", why: "not them" },
    );
    await change({ kind: "set plan", customer: "acme", plan: "free" });
    expect(await look(minutesLater(11))).toEqual(["pause"]);
    expect((await release()).paused?.why).toBe(
      `the pin of plan free was changed by grace (revision ${revision}: not them)`,
    );
    await change(
      releaseEdit(RC, await release(), { do: "resume", id: "4-faster", ...said, at: minutesLater(12).toISOString() }),
    );
    expect(await look(minutesLater(13))).toEqual([]);
    expect(await look(minutesLater(22))).toEqual(["step"]);
    expect((await component()).rollout?.basisPoints).toBe(500);
  });

  it("that reverts a step doesn't have the step made again", async () => {
    const { start, look, table, component, release } = await aReleasing();
    await start();
    await look(BEGAN);
    const [step] = await table.changesAfter((await table.head()) - 1, 1);
    if (step === undefined) throw new Error("no change");
    const { rows } = revertChanges([step], () => undefined as never);
    expect(rows).toEqual([]);
    const now = await component();
    const reverted = revertChanges([step], () => now);
    expect(reverted.rows[0]?.after).toEqual({ ...now, cohortRoutes: [] });
    expect((await release()).made).toBe(1);
  });

  it("that makes rules where a later step would set its own pauses it there", async () => {
    const { start, look, change, release } = await aReleasing();
    await start();
    await look(BEGAN);
    await change({ kind: "pin", level: "plan", id: "free", component: RC, pin: aPin({ alias: "stable" }) });
    expect(await look(minutesLater(10))).toEqual(["pause"]);
    expect((await release()).paused?.why).toBe(
      "There is the pin of plan free of release-coordinator already, to stable: a release doesn't take over what somebody has set",
    );
  });
});

describe("a release that is taken back", () => {
  const abort = { do: "take back", id: "4-faster", how: "aborted", ...said } as const;

  it.each([
    ["pointed nowhere", null],
    ["has been deleted", "9"],
  ])("has its alias at everybody's version where what it had before %s", async (_, aliasBefore) => {
    const { start, look, change, release, versionOf, set } = await aReleasing();
    await start({ aliasBefore });
    set("beta", "4");
    await look(BEGAN);
    await change(releaseEdit(RC, await release(), abort));
    expect(await look(minutesLater(1))).toEqual(["end"]);
    expect([versionOf("beta"), (await release()).ended?.how]).toEqual(["1", "aborted"]);
  });

  it("while its promotion was left half made isn't promoted by whoever finishes moves", async () => {
    const { start, look, change, release, versionOf, calls, ports } = await aReleasing();
    await start({ steps: [{ kind: "share", basisPoints: 500 }] });
    await look(BEGAN);
    calls.fail("moveAlias", "before", new Error("died"));
    await expect(look(minutesLater(10))).rejects.toThrow("died");
    await change(releaseEdit(RC, await release(), abort));
    await look(minutesLater(11));
    await finishMoves(ports, minutesLater(20));
    expect([versionOf("stable"), versionOf("beta"), (await release()).ended?.how]).toEqual(["1", "2", "aborted"]);
  });

  it("after it was promoted puts back what everybody had", async () => {
    const { start, look, change, release, versionOf, calls } = await aReleasing();
    await start({ steps: [{ kind: "share", basisPoints: 500 }] });
    await look(BEGAN);
    calls.fail("moveAlias", "after", new Error("died"));
    await expect(look(minutesLater(10))).rejects.toThrow("died");
    expect(versionOf("stable")).toBe("4");
    await change(releaseEdit(RC, await release(), abort));
    await look(minutesLater(11));
    expect([versionOf("stable"), versionOf("beta"), (await release()).ended?.how]).toEqual(["1", "2", "aborted"]);
  });

  it("leaves a pin that somebody has set anew to the same alias", async () => {
    const { start, look, change, release, table } = await aReleasing();
    await start();
    for (const minutes of [0, 10]) await look(minutesLater(minutes));
    await change({ kind: "pin", level: "plan", id: "free", component: RC, pin: aPin({ alias: "beta", who: "grace" }) });
    await change(releaseEdit(RC, await release(), abort));
    const { rows } = await table.rows(["plan#free"]);
    expect(rows.get("plan#free")).toMatchObject({ pins: { [RC]: { who: "grace" } } });
  });
});

it("a release doesn't replace what somebody has put where everybody goes, until it is resumed", async () => {
  const { start, look, change, release, set, versionOf } = await aReleasing();
  await start({ steps: [{ kind: "share", basisPoints: 500 }] });
  await look(BEGAN);
  set("stable", "5");
  expect(await look(minutesLater(10))).toEqual(["pause"]);
  const resumed = { do: "resume", id: "4-faster", into: "5", ...said, at: minutesLater(11).toISOString() } as const;
  await change(releaseEdit(RC, await release(), resumed));
  expect(await look(minutesLater(21))).toEqual(["promote", "finish"]);
  expect(versionOf("stable")).toBe("4");
});

describe("a crash", () => {
  it.each([
    ["commit", "before"],
    ["commit", "after"],
    ["moveAlias", "before"],
    ["moveAlias", "after"],
  ] as const)("at any %s, %s it, leaves nothing that the next looks don't finish", async (call, when) => {
    for (let crashAt = 0; crashAt < 12; crashAt++) {
      for (const isWorse of [false, true]) {
        const { start, look, rules, versionOf, calls, judged, release } = await aReleasing();
        const before = await rules();
        await start();
        let count = 0;
        for (let minutes = 0; minutes <= 60; minutes++) {
          if (isWorse && minutes > 25) judged.verdict = { says: "worse", told: "it fails" };
          if (count++ === crashAt * 4) calls.fail(call, when, new Error("died"));
          await look(minutesLater(minutes)).catch((error: Error) => expect(error.message).toBe("died"));
        }
        expect((await release()).ended?.how).toBe(isWorse ? "stopped" : "done");
        expect([await rules(), versionOf("stable"), versionOf("beta")]).toEqual([
          before,
          isWorse ? "1" : "4",
          isWorse ? "2" : "4",
        ]);
      }
    }
  });
});

describe("two looks at once", () => {
  it("make each step once", async () => {
    const { start, look, table, release } = await aReleasing();
    await start();
    for (let minutes = 0; minutes <= 50; minutes += 10) {
      await Promise.all([look(minutesLater(minutes)), look(minutesLater(minutes))]).catch(() => undefined);
    }
    await look(minutesLater(60));
    expect((await release()).ended?.how).toBe("done");
    const changes = await table.changesAfter(3, 99);
    expect(changes.filter(({ move }) => move?.stage === "settled")).toHaveLength(2);
    expect(changes.filter(({ rows }) => rows.length > 0)).toHaveLength(6);
  });
});

it("a release that has the name of an ended one is healed by a replay of its own", () => {
  const long = "a".repeat(64);
  const [first, later] = [BEGAN, minutesLater(60)].map((at) =>
    healingReplay(aRelease({ id: long, startedAt: at.toISOString() })),
  );
  expect(later).not.toBe(first);
  expect(first).toMatch(/^[a-z0-9-]{1,64}$/);
});
