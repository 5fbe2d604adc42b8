import { describe, expect, it } from "vitest";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { aComponent, anOrdersKey, aPin, aSubjectRow } from "../../support/builders.ts";
import { aReplayer } from "../../support/replayer.ts";
import { aMessage, failed, putRows, T0, turnoutOf } from "../../support/router.ts";

const named = (about: Parameters<typeof aComponent>[0] = {}): { [key: `component#${string}`]: Component } => {
  const component = aComponent(about);
  return { [`component#${component.name}`]: component };
};

describe("a replay", () => {
  it("delivers what it matches once more, in a generation of its own", async () => {
    const { arrive, start, run, sends, ledger } = await aReplayer();
    await arrive({ project: "site" }, { project: "api" });
    const before = sends.length;
    await start();
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ scanned: 2, matched: 2, sent: 2, done: 2, dead: 0, open: 0, skipped: {} });
    expect(sends.slice(before).map((send) => turnoutOf(send))).toMatchObject([
      { idempotencyKey: anOrdersKey("event-1", "replay-1"), generation: "replay-1", replay: "replay-1" },
      { idempotencyKey: anOrdersKey("event-2", "replay-1"), generation: "replay-1", replay: "replay-1" },
    ]);
    expect((await ledger()).map(({ generation, status }) => [generation, status])).toEqual([
      ["live", "done"],
      ["replay-1", "done"],
      ["live", "done"],
      ["replay-1", "done"],
    ]);
  });

  it("finishes what is dead in the generation that it has, and says which replay does so", async () => {
    let broken = true;
    const components = [aComponent({ retry: { maxAttempts: 1 } })];
    const { arrive, start, run, sends, ledger } = await aReplayer({
      components,
      target: async () => (broken ? failed : { outcome: "done", executedVersion: "22", durationMs: 1 }),
    });
    await arrive({ project: "site" });
    broken = false;
    await arrive({ id: "event-2" });
    await start({ mode: "finish" });
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ matched: 2, sent: 1, done: 1, skipped: { "done already": 1 } });
    expect(turnoutOf(sends.at(-1))).toMatchObject({
      idempotencyKey: anOrdersKey("event-1"),
      generation: "live",
      replay: "replay-1",
      attempt: 2,
    });
    expect((await ledger()).map(({ status }) => status)).toEqual(["done", "done"]);
  });

  it("a replay of a window without events ends with nothing counted", async () => {
    const { start, run, calls } = await aReplayer();
    await start();
    const { progress } = await run();
    expect(progress).toMatchObject({ counts: { scanned: 0, matched: 0 }, stretches: [] });
    expect(progress.firstSentAt).toBeUndefined();
    expect(calls.since()).not.toContain("claim");
  });

  it("takes only what its window has: from its beginning on, and not its end", async () => {
    const { arrive, start, run } = await aReplayer();
    await arrive({}, {}, {}, {});
    const at = (second: number) => new Date(T0.getTime() + second * 1_000);
    await start({ window: { from: at(1), to: at(3) } });
    expect((await run()).progress.counts).toMatchObject({ scanned: 2, sent: 2 });
  });

  it("a replay of one customer never delivers another's events", async () => {
    const { arrive, start, run, sends } = await aReplayer();
    const customers = ["acme", "globex", "acme", undefined, "Acme"];
    await arrive(...customers.map((customer) => (customer === undefined ? {} : { customer })));
    const before = sends.length;
    await start({ filter: { customer: "acme" } });
    expect((await run()).progress.counts).toMatchObject({ scanned: 5, matched: 2, sent: 2 });
    expect(sends.slice(before).map(({ subject }) => subject.customer)).toEqual(["acme", "acme"]);
  });

  it("counts an event that came twice once, as delivered, and once as a duplicate", async () => {
    const { arrive, start, run, sends } = await aReplayer();
    await arrive({ idempotencyKey: "order-7" }, { idempotencyKey: "order-7" });
    await start();
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ scanned: 2, matched: 2, sent: 1, done: 1, skipped: { duplicate: 1 } });
    expect(sends).toHaveLength(2);
  });

  it("delivers events that no component had to whoever listens now, once each, when that is asked for", async () => {
    const listening = aComponent({ pattern: { source: ["bank"] } });
    const { arrive, start, run, sends, table, replays } = await aReplayer({ components: [listening] });
    await arrive({ idempotencyKey: "order-7", project: "site" }, { idempotencyKey: "order-7", project: "api" }, {});
    expect(sends).toEqual([]);
    await putRows(table, { ...named(), ...named({ name: "mailer" }) });
    await start({ filter: { status: "unmatched" } });
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ scanned: 3, matched: 6, sent: 4, done: 4, skipped: { duplicate: 2 } });
    expect(
      sends
        .map((send) => `${send.component} ${turnoutOf(send).publisherKey} in ${turnoutOf(send).generation}`)
        .toSorted(),
    ).toEqual([
      "mailer event-3 in replay-1",
      "mailer order-7 in replay-1",
      "release-coordinator event-3 in replay-1",
      "release-coordinator order-7 in replay-1",
    ]);
    expect(await replays.active()).toEqual([]);
  });

  it("a replay of events that no component had delivers none while nobody listens", async () => {
    const { arrive, start, run } = await aReplayer({ components: [aComponent({ pattern: { source: ["bank"] } })] });
    await arrive({}, { body: "hello" });
    await start({ filter: { status: "unmatched" } });
    expect((await run()).progress.counts).toMatchObject({ matched: 1, sent: 0, skipped: { "not listening": 1 } });
    await start({ name: "replay-2", filter: { status: "rejected" } });
    expect((await run("replay-2")).progress.counts).toMatchObject({ matched: 1, sent: 0, skipped: { unreadable: 1 } });
  });

  it("a replay of what a replay delivered finds events, too, that no component had before", async () => {
    const { arrive, start, run, table } = await aReplayer({
      components: [aComponent({ pattern: { source: ["bank"] } })],
    });
    await arrive({}, {});
    await putRows(table, named());
    await start({ filter: { status: "unmatched" } });
    expect((await run()).progress.counts).toMatchObject({ sent: 2 });
    await start({ name: "replay-2", filter: { replay: "replay-1" } });
    expect((await run("replay-2")).progress.counts).toMatchObject({ matched: 2, sent: 2, done: 2 });
  });

  it("begins no more than its rate a second, oldest first", async () => {
    const at: number[] = [];
    let replaying = false;
    const replayer = await aReplayer({
      async target({ alias }) {
        if (replaying) at.push(+replayer.time.now());
        return { outcome: "done", executedVersion: alias, durationMs: 1 };
      },
    });
    const { arrive, start, run, time, sends } = replayer;
    await arrive(...Array.from({ length: 60 }, () => ({})));
    replaying = true;
    const from = +time.now();
    await start({ ratePerSecond: 4 });
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ scanned: 60, sent: 60, done: 60 });
    expect(at).toEqual(at.map((_, n) => from + n * 250));
    expect(sends.slice(60).map((send) => JSON.parse(send.payload).id)).toEqual(at.map((_, n) => `event-${n + 1}`));
  });

  it("keeps one failing delivery apart: the rest of its page is done, and it is tried again until it is at rest", async () => {
    const replayer = await aReplayer({
      target: async (send) =>
        turnoutOf(send).publisherKey === "event-2" && turnoutOf(send).generation === "replay-1"
          ? failed
          : { outcome: "done", executedVersion: "22", durationMs: 1 },
    });
    const { arrive, start, run, ledger } = replayer;
    await arrive({ project: "site" }, { project: "site" }, { project: "site" });
    await start();
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ sent: 3, done: 2, dead: 1, open: 0 });
    expect(progress.counts.versions).toEqual([
      { component: "release-coordinator", alias: "stable", version: "", count: 1 },
      { component: "release-coordinator", alias: "stable", version: "22", count: 2 },
    ]);
    expect((await ledger()).filter(({ status }) => status === "dead")).toMatchObject([{ failures: 5 }]);
  });

  it("says that an error of its store stopped it, and goes on from there the next time", async () => {
    const { arrive, start, drive, run, calls, replay } = await aReplayer();
    await arrive({}, {});
    await start();
    calls.fail("deliveries");
    await expect(drive()).rejects.toThrow("deliveries failed");
    expect((await replay()).progress.trouble).toBe("deliveries failed");
    expect((await replay()).driver).toBeUndefined();
    const { progress } = await run();
    expect(progress).toMatchObject({ counts: { sent: 2, done: 2 } });
    expect(progress.trouble).toBeUndefined();
  });

  it("asks for the versions behind the aliases only where one is to be avoided", async () => {
    const { arrive, start, run, ports } = await aReplayer();
    await arrive({});
    let asked = 0;
    const { aliases } = ports.catalog;
    ports.catalog.aliases = async (component) => {
      asked += 1;
      return aliases(component);
    };
    await start();
    await run();
    expect(asked).toBe(0);
    await start({ name: "replay-2", avoidVersion: "23" });
    expect((await run("replay-2")).progress.counts).toMatchObject({ sent: 1 });
    expect(asked).toBeGreaterThan(0);
  });

  it("a replay that isn't there is told", async () => {
    const { drive } = await aReplayer();
    await expect(drive("nobody")).rejects.toThrow(/no replay 'nobody'/);
  });
});

describe("a live delivery beside a replay", () => {
  it("a live delivery that is tried again later is left to the live routing, and run again once it is done", async () => {
    let broken = true;
    const { arrive, start, run, time, routing, ledger } = await aReplayer({
      target: async () => (broken ? failed : { outcome: "done", executedVersion: "22", durationMs: 1 }),
    });
    await arrive({});
    await start();
    broken = false;
    // Its message comes back between the two passes.
    void time.delay(2_000).then(() => routeBatch(routing, [aMessage({ messageId: "message-1", receiveCount: 2 })]));
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ matched: 1, sent: 1, done: 1, skipped: {} });
    expect((await ledger()).map(({ generation, status }) => `${generation} ${status}`)).toEqual([
      "live done",
      "replay-1 done",
    ]);
  });

  it("a live delivery that waits for longer is skipped, and said to be", async () => {
    const { arrive, start, run } = await aReplayer({ target: async () => failed });
    await arrive({});
    await start();
    expect((await run()).progress.counts).toMatchObject({ matched: 1, sent: 0, skipped: { "not at rest": 1 } });
  });

  it("a live delivery that was claimed before the start and ends late is waited for, and run again then", async () => {
    const { arrive, start, run, time, calls, sends } = await aReplayer();
    const close = calls.hold("close");
    const arriving = arrive({});
    await time.pass(1);
    await start();
    void time.delay(20_000).then(close.release);
    const { progress } = await run();
    await arriving;
    expect(progress.counts).toMatchObject({ matched: 1, sent: 1, done: 1, skipped: {} });
    expect(progress.pass).toBeGreaterThan(2);
    expect(sends).toHaveLength(2);
  });

  it("that was claimed before the start by a router that is gone is not waited for longer than any lease", async () => {
    const { arrive, start, run, time, calls } = await aReplayer({
      components: [aComponent({ timeoutMs: 840_000 })],
    });
    calls.hold("close");
    void arrive({});
    await time.pass(1);
    await start();
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ matched: 1, sent: 0, skipped: { "not at rest": 1 } });
    expect(+(progress.endedAt ?? 0) - +(progress.startedAt ?? 0)).toBeLessThan(1_000_000);
  });

  it("a live delivery that is claimed after the start follows the routing of then, and is not run again", async () => {
    const { arrive, start, run, time, routing, sends } = await aReplayer();
    await arrive({});
    await start();
    const late = aMessage({ id: "event-2", messageId: "message-2", sentAt: new Date(T0.getTime() + 500) });
    void time.delay(2_000).then(() => routeBatch(routing, [late]));
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ scanned: 2, matched: 2, sent: 1, skipped: { "claimed since": 1 } });
    expect(sends).toHaveLength(3);
  });

  it("goes where its customer is pinned to at its turn, also where the pin has ended by itself in the middle", async () => {
    const until = new Date(T0.getTime() + 3_600_000).toISOString();
    const pinned = aSubjectRow({ pins: { "release-coordinator": aPin({ alias: "beta", until }) } });
    const replayer = await aReplayer({
      rows: { "customer#acme": pinned },
      target: async ({ alias, payload }) => {
        if (payload.includes('"replay":"replay-1"')) await replayer.time.delay(25_000);
        return { outcome: "done", executedVersion: alias, durationMs: 1 };
      },
    });
    const { arrive, start, run, time, sends } = replayer;
    await arrive(...Array.from({ length: 4 }, () => ({ project: "site", customer: "acme" })));
    await time.pass(+new Date(until) - +time.now() - 30_000);
    await start();
    await run();
    expect(sends.slice(4).map(({ alias }) => alias)).toEqual(["beta", "beta", "stable", "stable"]);
  });

  it("a live delivery whose record is written late is found by the second pass", async () => {
    const { arrive, start, run, time, routing, calls } = await aReplayer();
    await arrive({});
    // Claimed before the start, with its record on the way.
    const recording = calls.hold("record");
    const message = aMessage({ id: "event-2", messageId: "message-2", sentAt: new Date(T0.getTime() + 500) });
    const late = routeBatch(routing, [message]);
    await time.pass(1);
    await start();
    void time.delay(2_000).then(recording.release);
    const { progress } = await run();
    await late;
    expect(progress.counts).toMatchObject({ scanned: 2, matched: 2, sent: 2, done: 2, skipped: {} });
  });
});
