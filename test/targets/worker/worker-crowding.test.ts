import { describe, expect, it } from "vitest";
import type { SendResult } from "../../../shared/targets/target.ts";
import { type AboutSend, aWorkerTarget, eventually } from "./versions-in-folders.ts";

const SLOW = 'export const handler = async () => { tell("begun"); await until("gate"); };';
const noRoom = { outcome: "throttled", error: { type: "NoRoom" } };
const invocation = { kind: "async", maxEventAgeMs: 3_600_000 } as const;

/** A version whose only thread runs an event until the gate opens. */
async function aSlowVersion() {
  const version = aVersionOnAClock();
  version.publish("1", SLOW);
  version.send(1);
  await version.untilTold(1);
  return version;
}

/** One thread, on a clock that the test moves. */
function aVersionOnAClock() {
  let nowMs = Date.now();
  const worker = aWorkerTarget({ now: () => new Date(nowMs) });
  const latestStart = new Date(nowMs + 3_600_000);
  const results: (SendResult | undefined)[] = [];
  /** Sends so many events, and answers where their results will be. */
  const send = (count: number, about: AboutSend = {}) =>
    Array.from({ length: count }, () => {
      const index = results.push(undefined) - 1;
      void worker.send({ latestStart, ...about }).then((result) => {
        results[index] = result;
      });
      return index;
    });
  return {
    ...worker,
    send,
    results,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** As many turns as it takes until whatever is answered at once has been answered. */
async function atOnce(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("events for a version that is slow", () => {
  it("are refused once the oldest has waited for a second and four per thread wait; those that wait go on waiting", async () => {
    const { send, results, pass, open } = await aSlowVersion();
    const waiting = send(4);
    pass(999);
    const [fifth] = send(1);
    await atOnce();
    expect(results.filter((result) => result !== undefined)).toEqual([]);
    pass(1);
    const [refused] = send(1);
    await atOnce();
    expect(results[refused ?? 0]).toMatchObject(noRoom);
    expect(results.filter((result) => result !== undefined)).toHaveLength(1);
    open("gate");
    await eventually(() => waiting.concat(fifth ?? 0).every((index) => results[index]?.outcome === "done"));
  });

  it("aren't refused while fewer than four per thread wait, however long", async () => {
    const { send, results, pass, open } = await aSlowVersion();
    send(3);
    pass(600_000);
    send(1);
    await atOnce();
    expect(results.filter((result) => result !== undefined)).toEqual([]);
    open("gate");
    await eventually(() => results.every((result) => result?.outcome === "done"));
  });

  it("are refused after two seconds of waiting, but for four per thread", async () => {
    const [few, many] = [await aSlowVersion(), await aSlowVersion()];
    const start = performance.now();
    few.send(4);
    many.send(30);
    await eventually(() => many.results.some((result) => result !== undefined));
    expect(performance.now() - start).toBeGreaterThan(1_900);
    // Theirs began first, so their two seconds are over as well.
    expect(few.results.filter((result) => result !== undefined)).toEqual([]);
    await eventually(() => many.results.filter((result) => result !== undefined).length >= 26);
    many.open("gate");
    await eventually(() => many.results.every((result) => result !== undefined));
    const [done, refused] = ["done", "throttled"].map((outcome) =>
      many.results.filter((one) => one?.outcome === outcome),
    );
    expect([done?.length, refused?.length]).toEqual([5, 26]);
    for (const result of refused ?? []) expect(result).toMatchObject(noRoom);
  });

  it("wait as long as they like when nobody's router waits for them", async () => {
    const { send, results, pass, open } = await aSlowVersion();
    send(50, { invocation });
    pass(600_000);
    send(50, { invocation });
    await atOnce();
    expect(results.filter((result) => result !== undefined)).toEqual([]);
    open("gate");
    await eventually(() => results.every((result) => result?.outcome === "done"));
  });
});

it("events for a version that is only being loaded aren't refused, however many wait and however long", async () => {
  const { publish, send, results, pass, open } = aVersionOnAClock();
  publish("1", 'await until("loaded"); export const handler = async () => {};');
  send(20);
  pass(5_000);
  send(20);
  await atOnce();
  expect(results.filter((result) => result !== undefined)).toEqual([]);
  open("loaded");
  await eventually(() => results.every((result) => result?.outcome === "done"));
});

it("a burst of 500 events for a version that is fast is refused nothing", async () => {
  const { publish, send } = aWorkerTarget();
  publish("1", "export const handler = async () => {};");
  await send();
  const results = await Promise.all(Array.from({ length: 500 }, () => send()));
  expect(results.filter(({ outcome }) => outcome !== "done")).toEqual([]);
});
