import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { replayModes } from "../../../shared/domain/replays/replay.ts";
import { aComponent, anOrdersKey } from "../../support/builders.ts";
import { aReplayer, withTime } from "../../support/replayer.ts";
import { failed, turnoutOf } from "../../support/router.ts";

describe("two replays of one window", () => {
  it("each run every event again, with a key of their own", async () => {
    const { arrive, start, run, sends } = await aReplayer();
    await arrive({ project: "site" }, { project: "site" });
    await start({ name: "one" });
    await start({ name: "two" });
    const [one, two] = [await run("one"), await run("two")];
    expect(one.progress.counts).toMatchObject({ matched: 2, sent: 2, done: 2 });
    expect(two.progress.counts).toMatchObject({ matched: 2, sent: 2, done: 2 });
    expect(sends.slice(2).map((send) => turnoutOf(send).idempotencyKey)).toEqual([
      anOrdersKey("event-1", "one"),
      anOrdersKey("event-2", "one"),
      anOrdersKey("event-1", "two"),
      anOrdersKey("event-2", "two"),
    ]);
  });

  it("side by side, in any modes, have at most one done per key each, and leave nothing open", async () => {
    const mode = fc.constantFrom(...replayModes);
    const dies = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(mode, mode, dies, fc.nat(50), async (one, two, dying, latency) => {
        let live = true;
        const components = [aComponent({ retry: { maxAttempts: 3 } })];
        const replayer = await aReplayer({
          components,
          async target(send) {
            const { publisherKey = "", attempt = 0 } = turnoutOf(send);
            const n = Number(publisherKey.slice(6)) - 1;
            if (!live) await replayer.time.delay(latency);
            if (dying[n] === true && (live || attempt % 2 === 1)) return failed;
            return { outcome: "done", executedVersion: "22", durationMs: 1 };
          },
        });
        const { arrive, start, ports, time, ledger, drive, sweepUp, replays } = replayer;
        await arrive(...dying.map((_, n) => ({ project: `project-${n % 2}` })));
        live = false;
        await start({ name: "one", mode: one });
        await start({ name: "two", mode: two });
        for (let turn = 0; turn < 40 && (await replays.active()).length > 0; turn++) {
          await withTime(time, Promise.all([drive("one"), drive("two", () => true, { ...ports })]));
          await time.pass(5_000);
          await sweepUp();
        }
        expect((await replays.active()).map(({ name }) => name)).toEqual([]);
        for (const { attempts, status, generation, dueAt } of await ledger()) {
          // Its message brings it back.
          if (generation === "live" && status === "failed" && dueAt === undefined) continue;
          expect(attempts.filter(({ outcome }) => outcome === "done").length).toBeLessThanOrEqual(1);
          expect(["done", "dead"]).toContain(status);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("two replays of one window that both finish: what one has reopened the other leaves alone", async () => {
    let broken = true;
    const components = [aComponent({ retry: { maxAttempts: 1 } })];
    const { arrive, start, run, ledger, sends } = await aReplayer({
      components,
      target: async () => (broken ? failed : { outcome: "done", executedVersion: "22", durationMs: 1 }),
    });
    await arrive({}, {});
    broken = false;
    await start({ name: "one", mode: "finish" });
    await start({ name: "two", mode: "finish" });
    expect((await run("one")).progress.counts).toMatchObject({ sent: 2, done: 2 });
    expect((await run("two")).progress.counts).toMatchObject({ sent: 0, skipped: { "done already": 2 } });
    expect((await ledger()).map(({ attempt, replay }) => [attempt, replay])).toEqual([
      [2, "one"],
      [2, "one"],
    ]);
    expect(sends).toHaveLength(4);
  });
});

describe("a replay of a replay", () => {
  it("runs what that one delivered once more, and nothing else", async () => {
    const { arrive, start, run, sends } = await aReplayer();
    await arrive({ customer: "acme" }, { customer: "globex" });
    await start({ name: "one", filter: { customer: "acme" } });
    await run("one");
    await start({ name: "two", filter: { replay: "one" } });
    expect((await run("two")).progress.counts).toMatchObject({ scanned: 2, matched: 1, sent: 1 });
    expect(sends.slice(2).map((send) => turnoutOf(send).idempotencyKey)).toEqual([
      anOrdersKey("event-1", "one"),
      anOrdersKey("event-1", "two"),
    ]);
  });

  it("finishes what died in it, in its own generation", async () => {
    let broken = false;
    const components = [aComponent({ retry: { maxAttempts: 1 } })];
    const { arrive, start, run, sends, ledger } = await aReplayer({
      components,
      target: async () => (broken ? failed : { outcome: "done", executedVersion: "22", durationMs: 1 }),
    });
    await arrive({}, {});
    broken = true;
    await start({ name: "one" });
    expect((await run("one")).progress.counts).toMatchObject({ sent: 2, dead: 2 });
    broken = false;
    await start({ name: "two", mode: "finish", filter: { replay: "one" } });
    expect((await run("two")).progress.counts).toMatchObject({ matched: 2, sent: 2, done: 2 });
    expect(turnoutOf(sends.at(-1))).toMatchObject({ publisherKey: "event-2", generation: "one", replay: "two" });
    expect((await ledger()).every(({ status }) => status === "done")).toBe(true);
  });

  it("a replay of a replay that finishes it brings back by itself what has to be tried again", async () => {
    let failures = 0;
    const { arrive, start, run, ledger } = await aReplayer({
      components: [aComponent({ retry: { maxAttempts: 2 } })],
      target: async () => (failures-- > 0 ? failed : { outcome: "done", executedVersion: "22", durationMs: 1 }),
    });
    await arrive({});
    failures = 3;
    await start({ name: "one" });
    expect((await run("one")).progress.counts).toMatchObject({ sent: 1, dead: 1 });
    await start({ name: "two", mode: "finish" });
    expect((await run("two")).progress.counts).toMatchObject({ matched: 2, sent: 1, done: 1 });
    expect((await ledger()).map(({ generation, status, attempt }) => [generation, status, attempt])).toEqual([
      ["live", "done", 1],
      ["one", "done", 4],
    ]);
  });
});
