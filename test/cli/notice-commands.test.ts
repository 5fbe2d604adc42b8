import { expect, it } from "vitest";
import type { TakenOff, Trip } from "../../shared/domain/health/watch.ts";
import { deadDeliveryNotice } from "../../shared/domain/notices/dead-delivery-notice.ts";
import { worseForOneNotice, worseNotice } from "../../shared/domain/notices/guard-verdict-notice.ts";
import { releaseStepNotice } from "../../shared/domain/notices/release-step-notice.ts";
import { replayEndedNotice } from "../../shared/domain/notices/replay-ended-notice.ts";
import { releaseActor } from "../../shared/domain/routing/release.ts";
import { aReplay } from "../support/any-replay.ts";
import { runHere } from "../support/cli-in-process.ts";
import { aRelease } from "../support/releases.ts";
import { aReplayedCli, RC } from "../support/replayed-cli.ts";

/** Runs what a notice says, without doing it. */
async function acted(home: string, notice: string | undefined) {
  const [turnout, ...words] = JSON.parse(notice ?? "{}").detail.acts;
  expect(turnout).toBe("turnout");
  const { code, stdout, stderr } = await runHere([...words, "--dry-run", "-y"], home);
  return { code, said: stdout + stderr };
}

it("what acts on a dead delivery, and on a replay that has left one, delivers just that one again", async () => {
  const cli = await aReplayedCli();
  await cli.route({ id: "e-1", fails: true }, { id: "e-2", fails: true }, { id: "e-3" });
  const records = await cli.withState(async ({ events }) => {
    const window = { from: new Date(0), to: new Date(Date.now() + 1_000) };
    return (await Array.fromAsync(events.records(window, new Date()))).flat();
  });
  const record = records.find(({ id }) => id === "e-2");
  if (record === undefined) expect.unreachable();
  const dead = deadDeliveryNotice({ record, at: new Date(), component: RC, outcome: "dead", attempt: 1 });
  expect(await acted(cli.home, dead)).toMatchObject({ code: 0, said: expect.stringMatching(/^send +1, now/m) });
  await cli.store({});
  const ended = aReplay({ progress: { endedAt: new Date(), counts: { ...aReplay().progress.counts, dead: 1 } } });
  expect(await acted(cli.home, replayEndedNotice(ended, new Date()))).toMatchObject({ code: 0 });
  expect(
    JSON.parse(replayEndedNotice(aReplay({ progress: { endedAt: new Date() } }), new Date()) ?? "").detail.acts,
  ).toBe(null);
});

it("what acts on a release's steps and pauses takes it back, or lets it go on", async () => {
  const cli = await aReplayedCli();
  const start = ["release", "start", RC, "--version", "2", "--through", "5%", "--every", "10m", "--name", "4-faster"];
  await runHere([...start, "--reason", "faster", "-y"], cli.home);
  const notice = (done: Parameters<typeof releaseStepNotice>[2]) => releaseStepNotice(RC, aRelease(), done, new Date());
  expect(await acted(cli.home, notice({ do: "step" }))).toMatchObject({ code: 0 });
  expect(await acted(cli.home, notice({ do: "promote" }))).toMatchObject({ code: 0 });
  await runHere(["release", "pause", "4-faster", "--reason", "lunch", "-y"], cli.home);
  expect(await acted(cli.home, notice({ do: "pause", why: "slow" }))).toMatchObject({ code: 0 });
  expect(JSON.parse(notice({ do: "end" }) ?? "{}").detail.acts).toBe(null);
  await cli.promote("stable", "1", "3");
  expect(await acted(cli.home, notice({ do: "finish" }))).toMatchObject({ code: 0 });
});

it("what acts on a guard's verdict is what its mode has left to a person", async () => {
  const cli = await aReplayedCli();
  await cli.route({ id: "e-1", customer: "acme", fails: true });
  const watch = { component: RC, alias: "beta", version: "2", since: "2026-11-20T10:00:00.000Z" };
  const at = new Date().toISOString();
  const verdict = { says: "worse" as const, metrics: [], more: 0 };
  const trip = (mode: Trip["mode"]): Trip => ({ at, mode, stage: "ended", verdict, why: "it is", revision: 1 });
  const about = { fallbackAlias: "stable" };
  const acts = (notice: string): string[] | null => JSON.parse(notice).detail.acts;
  for (const mode of ["watch", "hold"] as const) {
    const notice = worseNotice(about, watch, trip(mode));
    expect(acts(notice)?.slice(1, 4)).toEqual(["undo", RC, "beta"]);
    expect(await acted(cli.home, notice)).toMatchObject({ code: 0 });
  }
  expect(await acted(cli.home, worseNotice(about, watch, trip("rollback")))).toMatchObject({ code: 0 });
  expect(acts(worseNotice(about, watch, trip("undo")))).toBe(null);
  const release = aRelease({ guard: "hold" });
  const guards = { beta: { mode: "hold" as const, who: releaseActor(release), why: "faster", at } };
  expect(acts(worseNotice({ ...about, guards, release }, watch, trip("hold")))?.slice(1, 4)).toEqual([
    "release",
    "abort",
    release.id,
  ]);
  const taken = (mode: Trip["mode"]): TakenOff => ({
    ...{ who: "customer#acme", at, stage: "ended", mode, why: "it is", revision: 1 },
  });
  expect(await acted(cli.home, worseForOneNotice(about, watch, taken("watch")))).toMatchObject({ code: 0 });
  await runHere(["pin", "--customer", "acme", "--component", RC, "--to", "stable", "--reason", "x", "-y"], cli.home);
  expect(await acted(cli.home, worseForOneNotice(about, watch, taken("undo")))).toMatchObject({ code: 0 });
});
