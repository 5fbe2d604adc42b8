import { describe, expect, it } from "vitest";
import { releaseEdit } from "../../../shared/domain/routing/release-edit.ts";
import { lookAtRelease } from "../../../shared/flows/release/advance-release.ts";
import { finishMoves } from "../../../shared/flows/versions/finish-moves.ts";
import { moveAlias } from "../../../shared/flows/versions/move-alias.ts";
import { aReleasing, BEGAN, minutesLater, RC } from "../../support/releases.ts";

const said = { who: "grace", why: "lunch", at: BEGAN.toISOString() };
const abort = { do: "take back", id: "4-faster", how: "aborted", ...said } as const;
const share = (basisPoints: number) => ({ kind: "share", basisPoints }) as const;

describe("what a release does stands in the log", () => {
  const logged = async ({ table }: Awaited<ReturnType<typeof aReleasing>>) =>
    (await table.changesAfter(3, 99))
      .filter(({ move }) => move?.stage !== "intended")
      .map(({ command, why }) => [command.replace(`release 4-faster of ${RC}: `, ""), why]);

  it("thing by thing, for the reason that it was begun for", async () => {
    const world = await aReleasing();
    await world.start({ steps: [share(500), share(1_000)] });
    for (const minutes of [0, 10, 20]) await world.look(minutesLater(minutes));
    expect(await logged(world)).toEqual(
      ["move alias", "step 1, 5%", "step 2, 10%", "promote", "finish", "finish"].map((what) => [what, "faster"]),
    );
  });

  it("with what has stopped or paused it as the reason", async () => {
    const world = await aReleasing();
    await world.start({ steps: [share(500), share(1_000)] });
    await world.look(BEGAN);
    world.judged.verdict = { says: "worse", told: "9 of 10 failed" };
    await world.look(minutesLater(1));
    expect((await logged(world)).slice(2)).toEqual([
      ["take back", "9 of 10 failed"],
      ["end", "9 of 10 failed"],
      ["end", "9 of 10 failed"],
    ]);
    const paused = await aReleasing();
    await paused.start();
    paused.set("beta", "5");
    await paused.look(BEGAN);
    expect(await logged(paused)).toEqual([["pause", "beta points at 5, not at 4"]]);
  });
});

describe("a release", () => {
  it("isn't judged before anybody is on its version, and is once its alias has it", async () => {
    const { start, look, judged, versionOf, ports, component, set } = await aReleasing();
    await start();
    judged.verdict = { says: "worse", told: "it fails" };
    expect((await lookAtRelease(ports, await component(), BEGAN))?.verdict).toEqual({
      says: "none",
      told: "not begun",
    });
    expect(await look(BEGAN)).toEqual(["move alias", "take back", "end"]);
    expect(versionOf("beta")).toBe("2");
    const there = await aReleasing();
    await there.start({ aliasBefore: "4" });
    there.set("beta", "4");
    const looked = await lookAtRelease(there.ports, await there.component(), BEGAN);
    expect(looked).toMatchObject({ verdict: { says: "healthy" }, next: { do: "step" } });
    set("beta", "4");
    expect(await lookAtRelease(ports, await component(), BEGAN)).toBeUndefined();
  });

  it("whose alias had the version before leaves it there", async () => {
    const { start, look, change, release, versionOf, set } = await aReleasing();
    set("beta", "4");
    await start({ aliasBefore: "4" });
    await look(BEGAN);
    await change(releaseEdit(RC, await release(), abort));
    await look(minutesLater(1));
    expect([versionOf("beta"), (await release()).ended?.how]).toEqual(["4", "aborted"]);
  });

  it("that is taken back leaves the version where a person has promoted it", async () => {
    const { start, look, change, release, versionOf, ports } = await aReleasing();
    await start();
    await look(BEGAN);
    await change(releaseEdit(RC, await release(), abort));
    const move = { component: RC, alias: "stable", from: "1", to: "4" };
    const by = { who: "ada", why: "a test", command: "promote", at: minutesLater(1) };
    await moveAlias(ports, { move, kind: "promote", ...by });
    await look(minutesLater(2));
    expect([versionOf("stable"), (await release()).ended?.how]).toEqual(["4", "aborted"]);
  });

  it("that pauses gives up what a crash has left half made, so that nobody makes it behind its back", async () => {
    const { start, look, change, release, versionOf, calls, ports } = await aReleasing();
    await start({ steps: [{ kind: "plan", plan: "free" }] });
    await look(BEGAN);
    calls.fail("moveAlias", "before", new Error("died"));
    await expect(look(minutesLater(10))).rejects.toThrow("died");
    await change({ kind: "unpin", level: "plan", id: "free", component: RC });
    expect(await look(minutesLater(11))).toEqual(["pause"]);
    await finishMoves(ports, minutesLater(20));
    expect([versionOf("stable"), (await release()).paused?.who]).toEqual(["1", "release/4-faster"]);
  });
});
