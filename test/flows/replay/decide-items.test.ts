import { describe, expect, it } from "vitest";
import { differenceLines } from "../../../shared/domain/replays/replay-told.ts";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aReplayer } from "../../support/replayer.ts";
import { failed, putRows, T0, turnoutOf } from "../../support/router.ts";

const named = (about: Parameters<typeof aComponent>[0] = {}): { [key: `component#${string}`]: Component } => {
  const component = aComponent(about);
  return { [`component#${component.name}`]: component };
};
const acme = (alias: string) => ({
  "customer#acme": aSubjectRow({ pins: { "release-coordinator": aPin({ alias }) } }),
});

describe("a replay's destination", () => {
  const wentTo = async (request: object, change: (table: Parameters<typeof putRows>[0]) => Promise<void>) => {
    const replayer = await aReplayer({ rows: acme("beta") });
    await replayer.arrive({ customer: "acme" }, { customer: "globex" });
    await change(replayer.table);
    await replayer.start(request);
    const { progress } = await replayer.run();
    const sent = replayer.sends.slice(2).map((send) => turnoutOf(send));
    return { counts: progress.counts, went: sent.map(({ alias, because }) => `${alias}, ${because}`) };
  };
  const unpinned = (table: Parameters<typeof putRows>[0]) => putRows(table, { "customer#acme": null });

  it("is by default where the routing says today", async () => {
    const { went, counts } = await wentTo({ destination: { kind: "today" } }, unpinned);
    expect(went).toEqual(["stable, default alias", "stable, default alias"]);
    expect(counts.versions).toEqual([{ component: "release-coordinator", alias: "stable", version: "22", count: 2 }]);
  });

  it("may be the alias that handled each before", async () => {
    const { went, counts } = await wentTo({ destination: { kind: "original" } }, unpinned);
    expect(went).toEqual(["beta, replay destination", "stable, replay destination"]);
    expect(counts.versions.map(({ alias, version }) => [alias, version])).toEqual([
      ["beta", "23"],
      ["stable", "22"],
    ]);
  });

  it("may be one alias for all", async () => {
    const { went } = await wentTo({ destination: { kind: "alias", alias: "beta" } }, unpinned);
    expect(went).toEqual(["beta, replay destination", "beta, replay destination"]);
  });

  it("yields to a component that is all stable", async () => {
    const allStable = { who: "ada", why: "an outage", at: T0.toISOString() };
    const { went } = await wentTo({ destination: { kind: "alias", alias: "beta" } }, (table) =>
      putRows(table, named({ allStable })),
    );
    expect(went).toEqual(["stable, all stable", "stable, all stable"]);
  });

  it.each([
    [
      "an alias that was retired",
      named({
        aliases: { stable: { target: { kind: "worker" } }, beta: { target: { kind: "worker" }, retired: true } },
      }),
      "alias gone",
    ],
    ["an alias that is gone", named({ aliases: ["stable"] }), "alias gone"],
    ["a component that doesn't listen any more", named({ pattern: { source: ["bank"] } }), "not listening"],
    ["a component that was removed", { "component#release-coordinator": null }, "no component"],
  ])("a replay's destination that is %s gets nothing", async (_, rows, reason) => {
    const { went, counts } = await wentTo({ destination: { kind: "alias", alias: "beta" } }, (table) =>
      putRows(table, rows),
    );
    expect(went).toEqual([]);
    expect(counts).toMatchObject({ matched: 2, sent: 0, skipped: { [reason]: 2 } });
  });

  it("gets nothing if it would run the version that is undone", async () => {
    const { went, counts } = await wentTo({ avoidVersion: "23" }, async () => {});
    expect(went).toEqual(["stable, default alias"]);
    expect(counts).toMatchObject({ matched: 2, sent: 1, skipped: { "same version": 1 } });
  });
});

describe("a change of the routing in the middle of a replay", () => {
  /** Ten events of acme, one by one; after the third delivery the routing changes. */
  async function changed(rows: Parameters<typeof putRows>[1], request: object = {}) {
    const replayer = await aReplayer();
    const { arrive, start, run, table, sends, ports } = replayer;
    await arrive(...Array.from({ length: 10 }, () => ({ customer: "acme" })));
    const { target } = ports;
    ports.target = async (send) => {
      if (sends.length === 12) await putRows(table, rows);
      return target(send);
    };
    await start({ ratePerSecond: 5, ...request });
    const replay = await run();
    const went = sends.slice(10).map((send) => turnoutOf(send));
    return { ...replayer, counts: replay.progress.counts, went, aliases: went.map(({ alias }) => alias) };
  }

  it("counts from the next batch on", async () => {
    const { aliases, counts } = await changed(acme("beta"));
    expect(aliases).toEqual([...Array(3).fill("stable"), ...Array(7).fill("beta")]);
    expect(counts.versions.map(({ alias, version, count }) => [alias, version, count])).toEqual([
      ["beta", "23", 7],
      ["stable", "22", 3],
    ]);
  });

  it("that removes the component, or has it listen to something else, ends what it gets, and that is counted", async () => {
    const removed = await changed({ "component#release-coordinator": null });
    expect(removed.aliases).toHaveLength(3);
    expect(removed.counts).toMatchObject({ matched: 10, sent: 3, done: 3, skipped: { "no component": 7 } });
    const deaf = await changed(named({ pattern: { source: ["bank"] } }));
    expect(deaf.counts).toMatchObject({ matched: 10, sent: 3, done: 3, skipped: { "not listening": 7 } });
  });

  it("a change in the middle of a replay that retires its alias is obeyed", async () => {
    const retired = {
      stable: { target: { kind: "worker" } },
      beta: { target: { kind: "worker" }, retired: true },
    } as const;
    const { counts, aliases } = await changed(named({ aliases: retired }), {
      destination: { kind: "alias", alias: "beta" },
    });
    expect(aliases).toEqual(["beta", "beta", "beta"]);
    expect(counts).toMatchObject({ sent: 3, skipped: { "alias gone": 7 } });
  });

  it("a change in the middle of a replay that leads to the version being undone is obeyed by sending nothing", async () => {
    const { counts, aliases } = await changed(acme("beta"), { avoidVersion: "23" });
    expect(aliases).toEqual(["stable", "stable", "stable"]);
    expect(counts).toMatchObject({ sent: 3, done: 3, skipped: { "same version": 7 } });
  });

  it("leaves what was begun to come to its end as dead, when its component is gone for the next attempt", async () => {
    const replayer = await aReplayer();
    const { arrive, start, run, table, ports, ledger } = replayer;
    await arrive({});
    ports.target = async () => {
      await putRows(table, { "component#release-coordinator": null });
      return failed;
    };
    await start();
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ matched: 1, sent: 1, dead: 1, open: 0 });
    expect((await ledger()).at(-1)).toMatchObject({
      generation: "replay-1",
      status: "dead",
      error: { type: "NoComponent" },
    });
  });

  it("a change in the middle of a replay that comes while one waits for room leaves nothing of it behind", async () => {
    const replayer = await aReplayer();
    const { arrive, start, run, table, ports, ledger, calls, time } = replayer;
    // Not at rest in the first pass, so that it is begun in the second one.
    const close = calls.hold("close");
    void arrive({});
    await time.pass(1);
    await start();
    void time.delay(2_000).then(close.release);
    ports.target = async () => {
      await putRows(table, named({ pattern: { source: ["bank"] } }));
      return { outcome: "throttled", error: { type: "NoRoom", message: "no room" } };
    };
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ matched: 1, sent: 1, dead: 1, skipped: {} });
    expect((await ledger()).map(({ status }) => status)).toEqual(["done", "dead"]);
  });

  it("is what the difference between the plan and the run names", async () => {
    const { replay, replays } = await changed(acme("beta"));
    const stored = await replay();
    expect(differenceLines({ ...stored, planned: stored.progress.counts })).toEqual([]);
    const one = { component: "release-coordinator", alias: "stable", version: "22", count: 10 };
    const planned = { ...stored.progress.counts, versions: [one] };
    expect(differenceLines({ ...stored, planned })).toEqual([
      "release-coordinator stable, version 22: 10 planned, 3 sent",
      "release-coordinator beta, version 23: 0 planned, 7 sent",
    ]);
    expect(await replays.active()).toEqual([]);
  });
});
