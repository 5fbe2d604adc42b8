import { describe, expect, it } from "vitest";
import { GIVE_UP_AFTER_MS, LEAST_TRIES } from "../../../shared/domain/replays/failing-replay.ts";
import { noCounts, type Replay, statusOf } from "../../../shared/domain/replays/replay.ts";
import { askOfReplay, startReplay, wouldChange } from "../../../shared/flows/replay/start-replay.ts";
import { aReplayer } from "../../support/replayer.ts";

const MINUTE = 60_000;

/** A replay of three pages, one event each, the second of which can't be read until it is repaired. */
async function aFailingReplay() {
  const replayer = await aReplayer();
  const { arrive, start, drive, ports, time, replay } = replayer;
  await arrive({ project: "a" }, { project: "b" }, { project: "c" });
  await start({ ratePerSecond: 1 });
  const { records, deliveries } = ports.events;
  const damaged = new Set(["event-2"]);
  const events = {
    ...ports.events,
    records: (...[window, now, , after]: Parameters<typeof records>) => records(window, now, 1, after),
    async deliveries(keys: readonly string[]) {
      const found = await deliveries(keys);
      const records = (await replayer.records()).filter(({ id }) => damaged.has(id));
      if (found.some((entry) => records.some(({ eventKey }) => entry?.eventKey === eventKey))) {
        throw new Error("the row of a delivery can't be read");
      }
      return found;
    },
  };
  const failing = { ...ports, events };
  const attempt = () => drive("replay-1", () => true, failing).catch((error: Error) => error.message);
  /** As it is called every so often. */
  async function fails(times: number, everyMs: number): Promise<Replay> {
    for (let n = 0; n < times; n++) {
      expect(await attempt()).toMatch(/can't be read/);
      await time.pass(everyMs);
    }
    return replay();
  }
  const status = async () => statusOf(await replay(), time.now());
  const ask = (asked: Replay["asked"]) =>
    askOfReplay(replayer.replays, "replay-1", { asked, who: "ada", why: "", at: time.now() });
  return { ...replayer, failing, attempt, fails, status, ask, repair: () => damaged.clear() };
}

describe("a replay whose every run ends in the same error", () => {
  it("has failed after an hour, with the reason, and what it had done is done", async () => {
    const { fails, status, attempt, replays, sends, time } = await aFailingReplay();
    const before = await fails(60, MINUTE);
    expect(before.progress).toMatchObject({ trouble: "the row of a delivery can't be read", failing: { tries: 60 } });
    expect(await status()).toBe("running");
    const { progress } = await fails(1, 0);
    expect(await status()).toBe("failed");
    expect(progress).toMatchObject({ failed: true, endedAt: time.now(), counts: { sent: 1, done: 1 } });
    expect(await replays.active()).toEqual([]);
    expect(await attempt()).toEqual({ ended: true });
    // Three as they arrived, and the first once more.
    expect(sends).toHaveLength(4);
  });

  it("hasn't failed however often it was tried within the hour, nor after few tries, however long they took", async () => {
    const often = await aFailingReplay();
    await often.fails(200, GIVE_UP_AFTER_MS / 200 - 1);
    expect(await often.status()).toBe("running");
    const seldom = await aFailingReplay();
    await seldom.fails(LEAST_TRIES - 1, 9 * MINUTE);
    expect(await seldom.status()).toBe("running");
  });

  it("begins anew to count after a time in which nobody ran it, and after a page that was done", async () => {
    const idle = await aFailingReplay();
    await idle.fails(50, MINUTE);
    await idle.time.pass(11 * MINUTE);
    expect((await idle.fails(59, MINUTE)).progress.failing?.tries).toBe(59);
    expect(await idle.status()).toBe("running");
    idle.repair();
    expect(await idle.run("replay-1", () => true, idle.failing)).not.toHaveProperty("progress.failing");
  });

  it("counts nothing while the store can't take it down", async () => {
    const { fails, attempt, calls, status, time, replay } = await aFailingReplay();
    await fails(1, MINUTE);
    for (let n = 0; n < 200; n++) {
      calls.fail("update");
      await attempt();
      await time.pass(MINUTE);
    }
    expect((await replay()).progress.failing?.tries).toBeLessThan(2);
    expect(await status()).not.toBe("failed");
  });
});

describe("a replay that has failed", () => {
  async function aFailedReplay() {
    const failed = await aFailingReplay();
    await failed.fails(61, MINUTE);
    expect(await failed.status()).toBe("failed");
    return failed;
  }

  it("goes on from where it had come when it is resumed, and delivers the rest once", async () => {
    const { ask, status, repair, run, sends } = await aFailedReplay();
    repair();
    expect(await ask("run")).toMatchObject({ changed: true });
    expect(await status()).toBe("running");
    const { progress } = await run();
    expect(progress).toMatchObject({ counts: { scanned: 3, sent: 3, done: 3 } });
    expect(progress).not.toHaveProperty("trouble");
    expect(await status()).toBe("done");
    expect(sends).toHaveLength(6);
  });

  it("has another hour when it is resumed, and can be resumed again", async () => {
    const { ask, fails, status } = await aFailedReplay();
    await ask("run");
    await fails(60, MINUTE);
    expect(await status()).toBe("running");
    await fails(1, 0);
    expect(await status()).toBe("failed");
    expect(await ask("run")).toMatchObject({ changed: true });
  });

  it("comes to its end when it is cancelled, and not by a pause", async () => {
    const { ask, repair, run, status, replay } = await aFailedReplay();
    await expect(ask("pause")).rejects.toThrow(/has failed, and isn't under way/);
    repair();
    await ask("cancel");
    expect(await status()).toBe("stopping");
    await run();
    expect(await status()).toBe("cancelled");
    expect(wouldChange(await replay(), "cancel")).toBe(false);
  });

  it("fails again where even cancelling it ends in errors, and can only be cancelled then", async () => {
    const { ask, fails, status } = await aFailedReplay();
    await ask("cancel");
    await fails(61, MINUTE);
    expect(await status()).toBe("failed");
    await expect(ask("run")).rejects.toThrow(/was cancelled, and doesn't go on/);
    expect(await ask("cancel")).toMatchObject({ changed: true });
  });

  it("isn't resumed while as many as may be are under way", async () => {
    const { ask, replays, replay } = await aFailedReplay();
    const { lock: _, asked: __, progress: ___, ...request } = await replay();
    for (let n = 2; n <= 6; n++) await startReplay(replays, { ...request, name: `replay-${n}`, planned: noCounts() });
    await expect(ask("run")).rejects.toThrow(/5 replays are under way/);
  });
});
