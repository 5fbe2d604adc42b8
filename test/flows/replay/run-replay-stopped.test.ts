import { describe, expect, it } from "vitest";
import { type Replay, statusOf } from "../../../shared/domain/replays/replay.ts";
import { skippedInAll } from "../../../shared/domain/replays/replay-counts.ts";
import { askOfReplay } from "../../../shared/flows/replay/start-replay.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import type { When } from "../../support/port-calls.ts";
import { mortal } from "../../support/replay-crash.ts";
import { aReplayer, type ReplayerOptions } from "../../support/replayer.ts";
import { failed, turnoutOf } from "../../support/router.ts";

const done: SendResult = { outcome: "done", executedVersion: "22", durationMs: 1 };

/** The answer, given only then. */
async function onceAsked(first: Promise<unknown>, answer: SendResult): Promise<SendResult> {
  await first;
  return answer;
}

type Options = ReplayerOptions & {
  events?: number;
  /** All of one project go one by one. */
  project?: string;
  customerOf?: (n: number) => string;
  /** Answers the n-th send of the replay, from 1. */
  answer?: (n: number) => Promise<SendResult> | SendResult;
};

/** A replay of so many events, a project each, in pages of 25. */
async function aWindow(
  { events = 60, project, customerOf, answer = () => done, ...options }: Options,
  request: Partial<Replay> = {},
) {
  let live = true;
  let sent = 0;
  const replayer = await aReplayer({
    ...options,
    async target() {
      if (live) return request.mode === "finish" ? failed : done;
      sent += 1;
      return answer(sent);
    },
  });
  await replayer.arrive(
    ...Array.from({ length: events }, (_, n) => ({
      project: project ?? `project-${n}`,
      ...(customerOf && { customer: customerOf(n) }),
    })),
  );
  live = false;
  await replayer.start({ ratePerSecond: 10, ...request });
  const ask = (asked: Replay["asked"], name = "replay-1") =>
    askOfReplay(replayer.replays, name, { asked, who: "bob", why: "a test", at: replayer.time.now() });
  /** The deliveries that the replay has made, or reopened. */
  async function made() {
    const entries = await replayer.ledger();
    return entries.filter(({ generation, replay }) => generation === "replay-1" || replay === "replay-1");
  }
  return { ...replayer, ask, made, sent: () => sent };
}

describe("a replay that is paused", () => {
  it("claims nothing more after the batch under way, waits, and goes on to the same end", async () => {
    const window = await aWindow({ answer: (n) => (n === 10 ? onceAsked(window.ask("pause"), done) : done) });
    const { drive, replay, time, ask, run, sent, made } = window;
    expect(await drive()).toEqual({ ended: false, waitMs: 0 });
    expect(sent()).toBe(10);
    expect(statusOf(await replay(), time.now())).toBe("paused");
    expect(await drive()).toEqual({ ended: false, waitMs: 5_000 });
    await time.pass(600_000);
    expect(await drive()).toEqual({ ended: false, waitMs: 5_000 });
    expect((await made()).every(({ status }) => status === "done")).toBe(true);
    await ask("run");
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ scanned: 60, matched: 60, sent: 60, done: 60 });
    expect(sent()).toBe(60);
  });

  it.each([25, 50])("while the last delivery of a page is under way (%d) begins no other page", async (last) => {
    const window = await aWindow({ answer: (n) => (n === last ? onceAsked(window.ask("pause"), done) : done) });
    await window.drive();
    expect(window.sent()).toBe(last);
    expect(statusOf(await window.replay(), window.time.now())).toBe("paused");
  });

  it("stops within a page, also where there is nothing to deliver", async () => {
    const { arrive, start, drive, ports, replay, time, replays } = await aReplayer();
    await arrive(...Array.from({ length: 60 }, () => ({})));
    await start({ ratePerSecond: 10, filter: { status: "dead" } });
    const { update } = ports.replays;
    let written = 0;
    ports.replays.update = async (changed) => {
      const stored = await update(changed);
      // It is taken up, then comes the first page.
      if (++written === 2)
        await askOfReplay(replays, "replay-1", { asked: "pause", who: "bob", why: "", at: time.now() });
      return stored;
    };
    await drive();
    expect((await replay()).progress.counts.scanned).toBe(25);
    expect(statusOf(await replay(), time.now())).toBe("paused");
  });

  it("a paused replay in its second pass goes on in its second pass", async () => {
    const { drive, ask, run, replay, time, sent } = await aWindow({ events: 40 });
    await drive();
    expect(statusOf(await replay(), time.now())).toBe("waiting");
    await ask("pause");
    await time.pass(10_000);
    expect(await drive()).toEqual({ ended: false, waitMs: 5_000 });
    await ask("run");
    expect((await run()).progress.counts).toMatchObject({ scanned: 40, sent: 40 });
    expect(sent()).toBe(40);
  });

  it("within a slow rate stops within a second", async () => {
    const { time, ask, drive, sent } = await aWindow({}, { ratePerSecond: 0.02 });
    void time.delay(10_000).then(() => ask("pause"));
    const start = +time.now();
    await drive();
    expect(sent()).toBe(1);
    expect(+time.now() - start).toBeLessThanOrEqual(11_000);
  });
});

describe("a replay whose process has no time left", () => {
  it("stops before the next batch and the next page, and goes on in the next process", async () => {
    const { drive, sent, run, replay } = await aWindow({});
    let asked = 0;
    const turns: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      asked = 0;
      await drive("replay-1", () => ++asked <= 20);
      turns.push(sent());
    }
    expect(turns).toEqual(turns.toSorted((a, b) => a - b));
    expect(new Set(turns).size).toBe(4);
    expect((await replay()).driver).toBeUndefined();
    expect((await run()).progress.counts).toMatchObject({ scanned: 60, sent: 60, done: 60 });
    expect(sent()).toBe(60);
  });
});

describe("a replay that is cancelled", () => {
  it("before it began has ended at once", async () => {
    const { ask, drive, sent } = await aWindow({});
    const { replay } = await ask("cancel");
    expect(replay.progress.endedAt).toBeDefined();
    expect(await drive()).toEqual({ ended: true });
    expect(sent()).toBe(0);
  });

  it.each([1, 10, 25, 26, 50, 60])("at its delivery %d begins nothing more, and counts what it began", async (last) => {
    const window = await aWindow({ answer: (n) => (n === last ? onceAsked(window.ask("cancel"), done) : done) });
    const { progress } = await window.run();
    expect(window.sent()).toBe(last);
    const { counts } = progress;
    expect(counts).toMatchObject({ sent: last, done: last, dead: 0, open: 0 });
    expect(counts.matched).toBe(counts.sent + skippedInAll(counts));
    expect(statusOf(await window.replay(), window.time.now())).toBe("cancelled");
  });

  it("closes what it left open in its own generation as dead, and no consumer hears of that", async () => {
    const window = await aWindow({
      answer: async (n) => {
        if (n === 10) await window.ask("cancel");
        return n > 5 ? failed : done;
      },
    });
    const { progress } = await window.run();
    expect(progress.counts).toMatchObject({ sent: 10, done: 5, dead: 5, open: 0 });
    expect(window.sent()).toBe(10);
    const dead = (await window.made()).filter(({ status }) => status === "dead");
    const error = { type: "Broken", message: "not tried again, as the replay was cancelled: it broke" };
    expect(dead.map((entry) => entry.error)).toEqual(Array(5).fill(error));
  });

  it("leaves no trace of what it had put off and never tried", async () => {
    const noRoom: SendResult = { outcome: "throttled", error: { type: "NoRoom", message: "no room" } };
    const window = await aWindow({
      answer: async (n) => {
        if (n === 10) await window.ask("cancel");
        return n > 5 ? noRoom : done;
      },
    });
    const { progress } = await window.run();
    expect(progress.counts).toMatchObject({ sent: 5, done: 5, dead: 0, open: 0 });
    expect(progress.counts.skipped).toMatchObject({ cancelled: expect.any(Number) });
    expect((await window.made()).map(({ status }) => status)).toEqual(Array(5).fill("done"));
  });

  it("a cancelled replay in a later pass goes over the whole window once more", async () => {
    const components = [aComponent({ retry: { maxAttempts: 100 } })];
    const window = await aWindow({ events: 40, components, answer: (n) => (n > 30 ? failed : done) });
    while ((await window.replay()).progress.pass < 3) {
      await window.drive();
      await window.time.pass(5_000);
    }
    const before = window.sent();
    await window.ask("cancel");
    const { progress } = await window.run();
    expect(progress.counts).toMatchObject({ scanned: 40, matched: 40, sent: 40, done: 30, dead: 10, open: 0 });
    expect(window.sent()).toBe(before);
  });

  it("in its first pass looks at two pages at most beyond what it had begun, of a window however long", async () => {
    const window = await aWindow({
      events: 250,
      answer: (n) => (n === 30 ? onceAsked(window.ask("cancel"), done) : done),
    });
    const { counts } = (await window.run()).progress;
    expect(counts).toMatchObject({ sent: 30, done: 30, open: 0 });
    expect(counts.scanned).toBeGreaterThanOrEqual(30);
    expect(counts.scanned).toBeLessThanOrEqual(30 + 3 * 25);
  });

  it("a cancelled replay in a later pass finds what it had begun behind pages of others' events", async () => {
    const components = [aComponent({ retry: { maxAttempts: 100 } })];
    const customerOf = (n: number) => (n < 140 ? "globex" : "acme");
    const window = await aWindow(
      { events: 150, components, customerOf, answer: (n) => (n > 5 ? failed : done) },
      { filter: { customer: "acme" } },
    );
    while ((await window.replay()).progress.pass < 3) {
      await window.drive();
      await window.time.pass(5_000);
    }
    await window.ask("cancel");
    expect((await window.run()).progress.counts).toMatchObject({ scanned: 150, sent: 10, done: 5, dead: 5, open: 0 });
    expect((await window.made()).filter(({ status }) => status === "failed")).toEqual([]);
  });

  it("leaves what it reopened in the generation of its arrival to the live routing", async () => {
    const window = await aWindow(
      {
        components: [aComponent({ retry: { maxAttempts: 2 } })],
        answer: async (n) => {
          if (n === 10) await window.ask("cancel");
          return n === 10 ? failed : done;
        },
        events: 30,
      },
      { mode: "finish" },
    );
    // Dead, as they arrived.
    expect((await window.ledger()).every(({ status }) => status === "failed" || status === "dead")).toBe(true);
    await window.drive();
    // It might be tried again by now, and closed as dead along with that.
    await window.time.pass(60_000);
    const { progress } = await window.run();
    expect(progress.counts).toMatchObject({ sent: 10, done: 9, dead: 0, open: 1 });
    await window.time.pass(60_000);
    await window.sweepUp();
    expect((await window.made()).map(({ status }) => status)).toEqual(Array(10).fill("done"));
  });

  it("finds what it had begun, though its pages are cut in other places by now", async () => {
    const customerOf = (n: number) => (n < 25 || n === 49 ? "acme" : "globex");
    const window = await aWindow(
      { customerOf, answer: (n) => (n >= 26 ? failed : done) },
      { filter: { customer: "acme" } },
    );
    const { ports, replay } = window;
    // It ends in its second page, of which only the last one was begun, before that page is stored.
    const { update } = ports.replays;
    ports.replays.update = async (changed) => {
      if (window.sent() < 26) return update(changed);
      ports.replays.update = update;
      await window.ask("cancel");
      throw new Error("the process is gone");
    };
    await expect(window.drive()).rejects.toThrow("the process is gone");
    expect((await replay()).progress.counts).toMatchObject({ scanned: 25, sent: 25 });
    const { records } = ports.events;
    ports.events.records = (asked, now, _, after) => records(asked, now, 7, after);
    await window.time.pass(60_000);
    const { progress } = await window.run();
    expect(progress.counts).toMatchObject({ sent: 26, done: 25, dead: 1, open: 0 });
    expect((await window.made()).filter(({ status }) => status === "failed")).toEqual([]);
  });

  it.each<When>(["before", "after"])(
    "has the same end when its process ends at any call after that (%s its effect)",
    async (when) => {
      const cancelled = async () => {
        const window = await aWindow({
          events: 30,
          answer: async (n) => {
            if (n === 8) await window.ask("cancel");
            return n > 5 ? failed : done;
          },
        });
        await window.drive();
        return window;
      };
      const endOf = async (window: Awaited<ReturnType<typeof cancelled>>) => {
        const { counts } = (await window.run()).progress;
        return { counts, sent: window.sent(), statuses: (await window.made()).map(({ status }) => status) };
      };
      const whole = await cancelled();
      const counter = mortal(whole.ports, Infinity, when);
      await whole.run("replay-1", () => true, counter.ports);
      const expected = await endOf(whole);
      expect(expected).toMatchObject({ sent: 8, counts: { done: 5, dead: 3, open: 0 } });
      for (let n = 0; n < counter.calls(); n++) {
        const window = await cancelled();
        const doomed = mortal(window.ports, n, when);
        await window.run("replay-1", () => true, doomed.ports, doomed.died);
        await window.time.pass(120_000);
        expect({ n, ...(await endOf(window)) }).toEqual({ n, ...expected });
      }
    },
  );

  it("comes to its end although nobody can say which version is where", async () => {
    const { arrive, start, run, replays, ports } = await aReplayer();
    await arrive({ project: "site" });
    await start({ avoidVersion: "23" });
    await askOfReplay(replays, "replay-1", { asked: "cancel", who: "ada", why: "", at: ports.now() });
    const stored = await replays.get("replay-1");
    if (stored !== undefined) {
      const { endedAt: _, ...begun } = stored.progress;
      await replays.update({ ...stored, progress: { ...begun, startedAt: ports.now() } });
    }
    const catalog = { aliases: () => Promise.reject(new Error("the function is gone")) };
    const { progress } = await run("replay-1", () => true, { ...ports, catalog });
    expect(progress.counts).toMatchObject({ sent: 0, open: 0 });
  });

  it("twice is cancelled once, and doesn't go on", async () => {
    const { ask, drive } = await aWindow({ events: 40 });
    await drive();
    expect((await ask("cancel")).changed).toBe(true);
    expect((await ask("cancel")).changed).toBe(false);
    await expect(ask("run")).rejects.toThrow(/was cancelled/);
    await expect(ask("pause")).rejects.toThrow(/was cancelled/);
    await drive();
    expect((await ask("cancel")).changed).toBe(false);
    await expect(ask("run")).rejects.toThrow(/come to its end/);
  });

  it("while it is paused comes to its end", async () => {
    const window = await aWindow({ answer: (n) => (n === 10 ? onceAsked(window.ask("pause"), done) : done) });
    await window.drive();
    await window.ask("cancel");
    expect((await window.run()).progress.counts).toMatchObject({ sent: 10, done: 10 });
  });
});

describe("two who drive one replay", () => {
  it("two who drive one replay at once: the second leaves it to the first", async () => {
    const { drive, run, sent, ports } = await aWindow({});
    const first = drive();
    await expect(drive()).resolves.toEqual({ ended: false, waitMs: 5_000 });
    await first;
    expect((await run()).progress.counts).toMatchObject({ sent: 60, done: 60 });
    expect(sent()).toBe(60);
    expect(ports.settleMs).toBe(5_000);
  });

  it("while it stops for longer than its lease: the second leaves it to the first", async () => {
    const window = await aWindow({
      events: 2,
      project: "site",
      components: [aComponent({ timeoutMs: 300_000 })],
      answer: (n) => (n === 1 ? onceAsked(window.time.delay(200_000), done) : done),
    });
    const first = window.drive();
    await window.time.pass(1_000);
    await window.ask("pause");
    for (let turn = 0; turn < 9; turn++) await window.time.pass(19_000);
    expect(statusOf(await window.replay(), window.time.now())).toBe("pausing");
    await window.ask("run");
    expect(await window.drive()).toMatchObject({ ended: false });
    expect(window.sent()).toBe(1);
    await first;
  });

  it("while it sends for longer than its lease: the second leaves it to the first", async () => {
    const window = await aWindow({
      events: 2,
      project: "site",
      components: [aComponent({ timeoutMs: 300_000 })],
      answer: (n) => (n === 1 ? onceAsked(window.time.delay(200_000), done) : done),
    });
    const first = window.drive();
    for (let turn = 0; turn < 10; turn++) {
      await window.time.pass(19_000);
      expect(await window.drive()).toMatchObject({ ended: false });
    }
    expect(window.sent()).toBe(1);
    await first;
    expect((await window.run()).progress.counts).toMatchObject({ sent: 2, done: 2 });
  });

  it("because the first one said nothing for longer than its lease make each delivery once", async () => {
    const window = await aWindow({
      events: 10,
      components: [aComponent({ timeoutMs: 300_000 })],
      answer: (n) => (n === 4 ? onceAsked(window.time.delay(120_000), done) : done),
    });
    const { drive, run, time, sent, made, ports } = window;
    // Its clock stands still, but what it has sent is answered in the end.
    const frozen = { ...ports, delay: (ms: number) => (ms >= 10_000 ? new Promise<void>(() => {}) : time.delay(ms)) };
    const first = drive("replay-1", () => true, frozen);
    await time.pass(61_000);
    const { progress } = await run();
    expect(await first).toMatchObject({ ended: false });
    expect(progress.counts).toMatchObject({ scanned: 10, sent: 10, done: 10 });
    expect(sent()).toBe(10);
    expect((await made()).every(({ attempts }) => attempts.length === 1)).toBe(true);
  });
});

it("a replay names its own in what the consumer sees, however often it was stopped", async () => {
  const window = await aWindow({
    answer: (n) => (n === 3 ? onceAsked(window.ask("pause"), failed) : done),
    events: 5,
  });
  await window.drive();
  await window.ask("run");
  await window.run();
  const turnouts = window.sends.slice(5).map((send) => turnoutOf(send));
  expect(turnouts).toHaveLength(6);
  expect(new Set(turnouts.map(({ replay, generation }) => `${replay} ${generation}`))).toEqual(
    new Set(["replay-1 replay-1"]),
  );
  const third = turnouts.filter(({ publisherKey }) => publisherKey === "event-3");
  expect(third.map(({ attempt }) => attempt)).toEqual([1, 2]);
});
