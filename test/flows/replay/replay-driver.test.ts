import { describe, expect, it } from "vitest";
import { noCounts } from "../../../shared/domain/replays/replay.ts";
import { replayDriver, Stopped } from "../../../shared/flows/replay/replay-driver.ts";
import { aReplayer } from "../../support/replayer.ts";

async function aDriver(mayGoOn: (neededMs: number) => boolean = () => true) {
  const replayer = await aReplayer();
  await replayer.start();
  const driver = replayDriver(replayer.ports, "replay-1", mayGoOn);
  replayer.calls.since();
  const updates = () => replayer.calls.since().filter((call) => call === "update").length;
  return { ...replayer, driver, updates };
}

describe("a replay's driver", () => {
  it("says that it is alive when half of what it was taken to be is over, and not before", async () => {
    const { driver, time, updates, replay } = await aDriver();
    await driver.takeUp();
    expect(updates()).toBe(1);
    await time.pass(30_000);
    await driver.goOn();
    expect(updates()).toBe(0);
    await time.pass(1);
    await driver.goOn();
    expect(updates()).toBe(1);
    expect((await replay()).driver?.until).toEqual(new Date(time.now().getTime() + 60_000));
  });

  it("says so every ten seconds while something takes long, until that is over", async () => {
    const { driver, time, updates, replay } = await aDriver();
    await driver.takeUp();
    const stop = driver.keepAlive();
    updates();
    await time.pass(30_000);
    expect(updates()).toBe(3);
    expect((await replay()).driver?.until).toEqual(new Date(time.now().getTime() + 60_000));
    stop();
    await time.pass(60_000);
    expect(updates()).toBe(0);
  });

  it("goes on only where there is time for what comes next", async () => {
    const { driver } = await aDriver((neededMs) => neededMs <= 1_000);
    await driver.takeUp();
    await expect(driver.goOn(1_000)).resolves.toBeUndefined();
    await expect(driver.goOn(1_001)).rejects.toThrow(Stopped);
  });

  it("leaves a replay alone that another drives, until that one is taken for gone", async () => {
    const { driver, ports, time } = await aDriver();
    const other = replayDriver(ports, "replay-1", () => true);
    await driver.takeUp();
    expect(await other.takeUp()).toEqual({ ended: false, waitMs: 5_000 });
    await time.pass(58_000);
    expect(await other.takeUp()).toEqual({ ended: false, waitMs: 2_000 });
    await time.pass(2_000);
    expect(await other.takeUp()).toMatchObject({ replay: { name: "replay-1" } });
    await expect(driver.goOn()).rejects.toThrow("another drives");
    await expect(driver.change((same) => same)).rejects.toThrow(Stopped);
    await driver.leave();
    await expect(other.goOn()).resolves.toBeUndefined();
  });

  it("waits for the time of a replay's next pass, cancelled or not, but begins at once with what was just cancelled", async () => {
    const { driver, replays, replay, time } = await aDriver();
    const nextPassAt = new Date(time.now().getTime() + 7_000);
    const ask = async (asked: "run" | "cancel", cancelling?: true) => {
      const { driver: _, ...free } = await replay();
      const progress = { ...free.progress, nextPassAt, ...(cancelling && { cancelling }) };
      await replays.update({ ...free, asked, progress });
      return driver.takeUp();
    };
    expect(await ask("run")).toEqual({ ended: false, waitMs: 7_000 });
    expect(await ask("cancel", true)).toEqual({ ended: false, waitMs: 7_000 });
    const { progress: _, ...rest } = await replay();
    await replays.update({ ...rest, progress: { pass: 1, counts: noCounts(), stretches: [] } });
    const taken = await ask("cancel");
    expect(taken).toMatchObject({ replay: { asked: "cancel" } });
    await time.pass(7_000);
    expect(await ask("cancel", true)).toMatchObject({ replay: { asked: "cancel" } });
    expect(await ask("run")).toMatchObject({ replay: { asked: "run" } });
  });

  it("looks again in five seconds at one that is paused, and never at one that has ended", async () => {
    const { driver, replays, replay, time } = await aDriver();
    await replays.update({ ...(await replay()), asked: "pause" });
    expect(await driver.takeUp()).toEqual({ ended: false, waitMs: 5_000 });
    const ended = await replay();
    await replays.update({ ...ended, progress: { ...ended.progress, endedAt: time.now() } });
    expect(await driver.takeUp()).toEqual({ ended: true });
  });

  it("needs no time for what it isn't told of", async () => {
    const needed: number[] = [];
    const { driver } = await aDriver((ms) => needed.push(ms) > 0);
    await driver.takeUp();
    await driver.goOn();
    expect(needed).toEqual([0]);
  });

  it("stops where something else is asked of the replay than what it does", async () => {
    const { driver, replays, replay } = await aDriver();
    await driver.takeUp();
    await replays.update({ ...(await replay()), asked: "cancel" });
    await expect(driver.goOn()).rejects.toThrow("was asked to cancel");
    const cancelled = await replay();
    await replays.update({ ...cancelled, progress: { ...cancelled.progress, cancelling: true } });
    await expect(driver.goOn()).resolves.toBeUndefined();
    await replays.update({ ...(await replay()), asked: "pause" });
    await expect(driver.goOn()).rejects.toThrow("was asked to pause");
  });

  it("notes why a replay gets no further, in its own words, and forgets that with its next page", async () => {
    const { driver, replay } = await aDriver();
    await driver.takeUp();
    await driver.note("no room");
    expect((await replay()).progress).toMatchObject({ trouble: "no room", failing: { tries: 1 } });
    await driver.note(new Error("no store"));
    expect((await replay()).progress).toMatchObject({ trouble: "no store", failing: { tries: 2 } });
    await driver.change((same) => same);
    expect((await replay()).progress).not.toHaveProperty("failing");
  });

  it("fails for a replay that isn't there", async () => {
    const { ports } = await aDriver();
    await expect(replayDriver(ports, "nobody", () => true).takeUp()).rejects.toThrow("There is no replay 'nobody'");
  });

  it("is followed at once by another when it leaves", async () => {
    const { driver, ports } = await aDriver();
    await driver.takeUp();
    await driver.leave();
    expect(await replayDriver(ports, "replay-1", () => true).takeUp()).toMatchObject({ replay: { name: "replay-1" } });
  });
});
