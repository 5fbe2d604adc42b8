import { describe, expect, it } from "vitest";
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
    await driver.leave();
    await expect(other.goOn()).resolves.toBeUndefined();
  });

  it("is followed at once by another when it leaves", async () => {
    const { driver, ports } = await aDriver();
    await driver.takeUp();
    await driver.leave();
    expect(await replayDriver(ports, "replay-1", () => true).takeUp()).toMatchObject({ replay: { name: "replay-1" } });
  });
});
