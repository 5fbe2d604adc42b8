import type { Context } from "aws-lambda";
import { expect, it } from "vitest";
import { replayerHandler } from "../../functions/replayer.ts";
import { askOfReplay } from "../../shared/flows/replay/start-replay.ts";
import { aReplayer, withTime } from "../support/replayer.ts";

/** A function's context with so much of its time left, in ms, each time that it is asked. */
const withLeft = (left: () => number) => ({ getRemainingTimeInMillis: left }) as Context;
const inTime = withLeft(() => 900_000);

async function aFunction() {
  const replayer = await aReplayer();
  await replayer.arrive({}, {}, {});
  await replayer.start();
  const told: string[] = [];
  const notify = async (event: string) => void told.push(event);
  const handler = replayerHandler({ ...replayer.ports, notify });
  const call = (context = inTime) => withTime(replayer.time, Promise.resolve(handler({ replay: "replay-1" }, context)));
  return { ...replayer, call, told };
}

it("the replayer drives a replay, says in how many seconds it is to be called again, and when it has ended", async () => {
  const { call, time, sends, told } = await aFunction();
  const answer = await call();
  expect(answer).toEqual({ ended: false, waitSeconds: 5 });
  expect(sends).toHaveLength(6);
  expect(told).toEqual([]);
  await time.pass(5_000);
  expect(await call()).toEqual({ ended: true, waitSeconds: 0 });
  expect(await call()).toEqual({ ended: true, waitSeconds: 0 });
  // Told twice it is the same event.
  expect(new Set(told).size).toBe(1);
  expect(JSON.parse(told[0] ?? "")).toMatchObject({
    "detail-type": "Replay Ended",
    detail: { replay: "replay-1", sent: 3 },
  });
});

it("the replayer begins nothing more when its time is nearly up, and is to be called again at once", async () => {
  const { call, sends } = await aFunction();
  expect(await call(withLeft(() => 30_000))).toEqual({ ended: false, waitSeconds: 0 });
  expect(sends).toHaveLength(3);
});

it("the replayer looks every few seconds whether a paused one may go on", async () => {
  const { call, replays, time } = await aFunction();
  await askOfReplay(replays, "replay-1", { asked: "pause", who: "bob", why: "a test", at: time.now() });
  expect(await call()).toEqual({ ended: false, waitSeconds: 5 });
});

it("the replayer fails when the store does, so that it is called again", async () => {
  const { call, calls } = await aFunction();
  calls.fail("claim");
  await expect(call()).rejects.toThrow("claim failed");
  expect(await call()).toMatchObject({ ended: false, waitSeconds: 5 });
});
