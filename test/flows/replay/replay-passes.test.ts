import { describe, expect, it } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import { type Replay, statusOf } from "../../../shared/domain/replays/replay.ts";
import { arnBehind } from "../../../shared/domain/routing/target-address.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { takeOutcomes } from "../../../shared/flows/deliver/take-outcomes.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { aReplayer } from "../../support/replayer.ts";
import { again, aMessage, failed, T0, turnoutOf } from "../../support/router.ts";

const done: SendResult = { outcome: "done", executedVersion: "22", durationMs: 1 };

/** A replay of 100 events in four pages, some of which fail so many times in it. */
async function aWindow(failures: Record<number, number>, events = 100) {
  const replayer = await aReplayer({
    components: [aComponent({ retry: { maxAttempts: 8 } })],
    async target(send) {
      const { generation, attempt = 0, publisherKey = "" } = turnoutOf(send);
      const n = Number(/\d+/.exec(publisherKey)?.[0]);
      return generation !== "live" && attempt <= (failures[n] ?? 0) ? failed : done;
    },
  });
  const { arrive, start, ports, events: store } = replayer;
  await arrive(...Array.from({ length: events }, () => ({})));
  await start({ ratePerSecond: 10 });
  /** The records that each look at the window went over. */
  const looks: { window: TimeWindow; scanned: number }[] = [];
  ports.events.records = async function* (window, ...asked) {
    const look = { window, scanned: 0 };
    looks.push(look);
    for await (const page of store.records(window, ...asked)) {
      look.scanned += page.length;
      yield page;
    }
  };
  return { ...replayer, looks };
}

const whole = { scanned: 100, matched: 100, sent: 100 };

describe("the passes of a replay", () => {
  it("are one over the whole window, and none after it where nothing can be open any more", async () => {
    const { run, looks, time } = await aWindow({});
    await time.pass(7_200_000);
    const { progress } = await run();
    expect(progress).toMatchObject({ pass: 1, counts: { ...whole, done: 100 }, stretches: [] });
    expect(looks.map(({ scanned }) => scanned)).toEqual([100]);
  });

  it("look again at what was read before the records of before the start must be there", async () => {
    const { drive, replay, time, run, looks } = await aWindow({}, 10);
    const start = +time.now();
    expect(await drive()).toMatchObject({ ended: false });
    const { progress } = await replay();
    expect(progress.nextPassAt).toEqual(new Date(start + 5_000));
    expect(progress).toMatchObject({ pass: 2, counts: { sent: 10, done: 10 }, stretches: [{ early: true }] });
    expect(statusOf(await replay(), time.now())).toBe("waiting");
    expect((await run()).progress).toMatchObject({ pass: 2, counts: { scanned: 10, sent: 10, done: 10 } });
    expect(looks.map(({ scanned }) => scanned)).toEqual([10, 10]);
  });

  it("find a record that came after its claim, wherever in the window", async () => {
    for (const ms of [-500, 4_500, 60_000]) {
      const { drive, run, time, events, routing } = await aWindow({}, 10);
      // Claimed before the replay began, and recorded after it has looked.
      const records: EventRecord[] = [];
      const slow = {
        ...routing,
        events: { ...routing.events, record: async (of: readonly EventRecord[]) => void records.push(...of) },
      };
      await routeBatch(slow, [aMessage({ id: "late", messageId: "late", sentAt: new Date(T0.getTime() + ms) })]);
      await drive();
      await events.record(records);
      await time.pass(5_000);
      expect((await run()).progress.counts).toMatchObject({ scanned: 11, matched: 11, sent: 11, done: 11 });
    }
  });

  it("visit only the stretches in which something is open, until nothing is", async () => {
    // The second page, and the fourth, which takes longer.
    const { run, looks } = await aWindow({ 30: 3, 31: 3, 99: 6 });
    const { progress } = await run();
    expect(progress.counts).toEqual({
      ...whole,
      done: 100,
      dead: 0,
      open: 0,
      skipped: {},
      versions: [{ component: "release-coordinator", alias: "stable", version: "22", count: 100 }],
    });
    const later = looks.slice(2);
    expect(later.length).toBeGreaterThan(2);
    for (const { scanned } of later) expect(scanned).toBeLessThanOrEqual(26);
    expect(later.at(-1)?.window.from).toEqual(new Date(T0.getTime() + 74_000));
  });

  it("come less and less often, a minute apart at most", async () => {
    const { drive, time, replay } = await aWindow({ 5: 7 }, 10);
    const waits: number[] = [];
    for (let turn = 0; turn < 30 && (await replay()).progress.endedAt === undefined; turn++) {
      const answer = await drive();
      if (answer.ended) break;
      waits.push(answer.waitMs);
      await time.pass(answer.waitMs);
    }
    expect(waits.slice(1)).toEqual(waits.slice(1).toSorted((a, b) => a - b));
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
    expect((await replay()).progress.counts).toMatchObject({ done: 10 });
  });

  it("count records that came late into a stretch along with it", async () => {
    const { drive, run, routing, time, replay } = await aWindow({ 5: 7 }, 10);
    await drive();
    await time.pass(5_000);
    await drive();
    expect((await replay()).progress.stretches).toHaveLength(1);
    const message = aMessage({ id: "late", messageId: "late", sentAt: new Date(T0.getTime() + 500) });
    await routeBatch(routing, [message]);
    const { counts } = (await run()).progress;
    expect(counts).toMatchObject({ scanned: 11, matched: 11, sent: 10, done: 10, skipped: { "claimed since": 1 } });
  });
});

describe("a live delivery that is tried again while a replay finishes it", () => {
  it("is made by one of the two", async () => {
    const message = aMessage({ id: "event-1", messageId: "message-1" });
    let sends = 0;
    const replayer = await aReplayer({
      target: async (send) => {
        sends += 1;
        if (turnoutOf(send).replay === null) return failed;
        // Its message comes back while the replay's attempt is on its way.
        const back = await routeBatch(replayer.routing, [again(message)]);
        expect(back).toMatchObject([{ retryInMs: expect.any(Number) }]);
        return done;
      },
    });
    await replayer.arrive({});
    await replayer.start({ mode: "finish" });
    const { progress } = await replayer.run();
    expect(progress.counts).toMatchObject({ sent: 1, done: 1 });
    expect(await routeBatch(replayer.routing, [again(message)])).toEqual([]);
    expect(sends).toBe(2);
  });

  it("is what the live routing makes of it, when its message comes first", async () => {
    const message = aMessage({ id: "event-1", messageId: "message-1" });
    let broken = true;
    const replayer = await aReplayer({ target: async () => (broken ? failed : done) });
    await replayer.arrive({});
    broken = false;
    await replayer.start({ mode: "finish" });
    // Between what the replay has matched and its claim.
    const { claim } = replayer.ports.events;
    replayer.ports.events.claim = async (...asked) => {
      replayer.ports.events.claim = claim;
      await replayer.time.pass(1_000);
      await routeBatch(replayer.routing, [again(message)]);
      return claim(...asked);
    };
    const { progress } = await replayer.run();
    expect(progress.counts).toMatchObject({ matched: 1, sent: 0, skipped: { "done already": 1 } });
    expect(replayer.sends).toHaveLength(2);
  });
});

describe("a live delivery that was handed over before a replay began", () => {
  const invocation = { kind: "async", maxEventAgeMs: 3_600_000 } as const;

  /** An event that a component has accepted, of which it says half an hour after the start what became of it. */
  async function handedOver(request: Partial<Replay>) {
    let live = true;
    const replayer = await aReplayer({
      components: [aComponent({ invocation })],
      target: async () => (live ? { outcome: "accepted", durationMs: 1 } : done),
    });
    const { arrive, start, run, time, sends, ports, events } = replayer;
    await arrive({});
    live = false;
    await start(request);
    void time.delay(1_800_000).then(() =>
      takeOutcomes({ ...ports, events }, [
        {
          messageId: "outcome-1",
          body: JSON.stringify({
            requestContext: {
              functionArn: arnBehind("release-coordinator", { kind: "worker" }),
              condition: "Success",
            },
            requestPayload: JSON.parse(sends[0]?.payload ?? ""),
            responseContext: { executedVersion: "23" },
          }),
        },
      ]),
    );
    return { counts: (await run()).progress.counts, sends };
  }

  it("is waited for until its outcome comes, and then run again", async () => {
    const { counts, sends } = await handedOver({});
    expect(counts).toMatchObject({ matched: 1, sent: 1, done: 1, skipped: {} });
    expect(sends).toHaveLength(2);
  });

  it("is waited for where a version is asked for, as that may be the one that runs it", async () => {
    const { counts } = await handedOver({ filter: { executedVersion: "23" } });
    expect(counts).toMatchObject({ scanned: 1, matched: 1, sent: 1, done: 1 });
  });

  it("is no match after all once another version has run it", async () => {
    const { counts, sends } = await handedOver({ filter: { executedVersion: "22" } });
    expect(counts).toMatchObject({ scanned: 1, matched: 0, sent: 0, skipped: {} });
    expect(sends).toHaveLength(1);
  });

  it("isn't waited for by a replay that is to deliver something else", async () => {
    const { counts } = await handedOver({ filter: { customer: "globex", executedVersion: "23" } });
    expect(counts).toMatchObject({ scanned: 1, matched: 0 });
  });
});

it("a replay tries a delivery again whose outcome never comes, after its deadline, and gives it up after the last", async () => {
  const invocation = { kind: "async", maxEventAgeMs: 60_000 } as const;
  let live = true;
  const replayer = await aReplayer({
    components: [aComponent({ invocation, retry: { maxAgeMs: 200_000 } })],
    target: async () => (live ? done : { outcome: "accepted", durationMs: 1 }),
  });
  const { arrive, start, run, sends, ledger, events } = replayer;
  await arrive({});
  live = false;
  await start();
  const { progress } = await run();
  expect(progress.counts).toMatchObject({ sent: 1, done: 0, dead: 1, open: 0 });
  expect(sends.slice(1).map((send) => turnoutOf(send))).toMatchObject([
    { generation: "replay-1", attempt: 1 },
    { generation: "replay-1", attempt: 2 },
  ]);
  expect((await ledger()).at(-1)).toMatchObject({ status: "dead", error: { type: "TooOld" } });
  // The sweeper was never asked to see to it: its message would name no replay.
  expect(await events.due(new Date("2100-01-01"), 10)).toEqual([]);
});
