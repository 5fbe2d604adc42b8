import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReplayerAnswer } from "../../functions/replayer.ts";
import { startReplayDriver } from "../../scripts/embedded/drive-replays.ts";
import type { Replay } from "../../shared/domain/replays/replay.ts";
import { aReplay } from "../support/any-replay.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Call = { name: string; at: number; remainingMs: () => number; answer: (to: Partial<ReplayerAnswer>) => void };

/** A driver of these replays; every call of its handler waits for the test, unless it is answered by `answers`. */
function aDriver(answers?: (name: string) => Promise<ReplayerAnswer>, ...names: string[]) {
  const began = Date.now();
  const active: Replay[] = names.map((name) => aReplay({ name }));
  const calls: Call[] = [];
  const errors: unknown[] = [];
  const store = { active: async () => [...active] };
  const driver = startReplayDriver({
    replays: store,
    handler: ({ replay = "" }, context) =>
      new Promise((resolve, reject) => {
        const answer = (to: Partial<ReplayerAnswer>) => resolve({ ended: true, waitSeconds: 0, ...to });
        const remainingMs = () => context.getRemainingTimeInMillis();
        calls.push({ name: replay, at: Date.now() - began, remainingMs, answer });
        answers?.(replay).then(resolve, reject);
      }),
    onError: (error) => void errors.push(error),
  });
  return {
    driver,
    store,
    calls,
    errors,
    add: (...names: string[]) => void active.push(...names.map((name) => aReplay({ name }))),
    end: (name: string) => void active.splice(0, active.length, ...active.filter((replay) => replay.name !== name)),
    names: () => calls.map(({ name }) => name),
    pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
  };
}

const isOn = async (): Promise<ReplayerAnswer> => ({ ended: false, waitSeconds: 0 });

describe("the embedded replay driver", () => {
  it("takes up replays that were there before and those that are started later, side by side", async () => {
    const { add, names, pass, driver, calls } = aDriver(undefined, "early");
    await pass(0);
    expect(names()).toEqual(["early"]);
    add("late");
    await pass(250);
    expect(names()).toEqual(["early", "late"]);
    for (const { answer } of calls) answer({});
    await driver.stop();
  });

  it("calls one that is under way only once at a time, and again when it has more to do", async () => {
    const { add, calls, pass, driver } = aDriver();
    add("r");
    await pass(5_000);
    expect(calls).toHaveLength(1);
    calls[0]?.answer({ ended: false });
    await pass(250);
    expect(calls).toHaveLength(2);
    calls[1]?.answer({ ended: true });
    await driver.stop();
  });

  it("doesn't hurry over one that has to wait, and comes soon enough for what its operators want", async () => {
    const { add, calls, pass, driver } = aDriver(async () => ({ ended: false, waitSeconds: 60 }));
    add("paused");
    await pass(10_000);
    expect(calls.length).toBeGreaterThanOrEqual(20);
    expect(calls.length).toBeLessThanOrEqual(51);
    const gaps = calls.slice(1).map(({ at }, index) => at - (calls[index]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(200);
    await driver.stop();
  });

  it("leaves one alone for a while that fails, tells why, and goes on with the others", async () => {
    const { add, names, errors, pass, driver } = aDriver(async (name) => {
      if (name === "bad") throw new Error("the disk is full");
      return isOn();
    });
    add("bad", "good");
    await pass(1_900);
    expect(names().filter((name) => name === "bad")).toEqual(["bad"]);
    expect(names().filter((name) => name === "good").length).toBeGreaterThan(5);
    expect(errors).toEqual([new Error("the disk is full")]);
    await pass(500);
    expect(names().filter((name) => name === "bad")).toEqual(["bad", "bad"]);
    await driver.stop();
  });

  it("tells of a store that can't be read, and looks again", async () => {
    const { add, names, errors, pass, store, driver } = aDriver(isOn);
    const { active } = store;
    store.active = () => Promise.reject(new Error("locked"));
    await pass(1_000);
    expect(errors.length).toBeGreaterThan(1);
    store.active = active;
    add("r");
    await pass(250);
    expect(names()).toContain("r");
    await driver.stop();
  });

  it("stops when what is on its way has ended, for which it leaves no more time, and calls nothing after", async () => {
    const { add, calls, pass, driver } = aDriver();
    add("r");
    await pass(250);
    const [call] = calls;
    expect(call?.remainingMs()).toBeGreaterThan(60_000);
    let stopped = false;
    const stop = driver.stop().then(() => {
      stopped = true;
    });
    expect(call?.remainingMs()).toBe(0);
    await pass(5_000);
    expect([stopped, calls.length]).toEqual([false, 1]);
    call?.answer({ ended: false });
    await stop;
    add("another");
    await pass(5_000);
    expect(calls).toHaveLength(1);
  });

  it("forgets one that has ended", async () => {
    const { end, calls, pass, driver } = aDriver(async () => ({ ended: true, waitSeconds: 0 }), "r");
    await pass(0);
    end("r");
    await pass(5_000);
    expect(calls).toHaveLength(1);
    await driver.stop();
  });
});
