import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noCounts, type ReplayRequest, replayModes } from "../../../shared/domain/replays/replay.ts";
import { skippedInAll } from "../../../shared/domain/replays/replay-counts.ts";
import { differenceLines } from "../../../shared/domain/replays/replay-told.ts";
import { type PlannedReplay, planReplay } from "../../../shared/flows/replay/plan-replay.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aReplayer, WINDOW } from "../../support/replayer.ts";
import { failed, putRows, T0 } from "../../support/router.ts";

const components = [
  aComponent({ retry: { nonRetryableErrors: ["Broken"] } }),
  aComponent({ name: "mailer", pattern: { detail: { mail: [true] } } }),
];
const acme = (alias: string) => ({
  "customer#acme": aSubjectRow({ pins: { "release-coordinator": aPin({ alias }) } }),
});

/** A replayer whose consumers do as the event's detail says: `dies` or is done. */
async function aWindow() {
  const replayer = await aReplayer({
    components,
    rows: acme("beta"),
    async target({ payload, alias, component }): Promise<SendResult> {
      const { detail, turnout } = JSON.parse(payload);
      const dies = detail.dies === true && component === "release-coordinator" && turnout.replay === null;
      return dies ? failed : { outcome: "done", executedVersion: alias === "beta" ? "23" : "22", durationMs: 1 };
    },
  });
  const plan = (request: Partial<ReplayRequest> = {}): Promise<PlannedReplay> => {
    const asked = { window: WINDOW, filter: {}, mode: "rerun", destination: { kind: "today" }, ...request } as const;
    return planReplay(
      replayer.ports,
      { ...asked, name: "the plan", startedAt: replayer.time.now() },
      replayer.time.now,
    );
  };
  return { ...replayer, plan };
}

describe("a plan", () => {
  it("tells what matches, minute by minute, by how it ended up and who handled it, and what would be sent where", async () => {
    const { arrive, plan } = await aWindow();
    await arrive(
      { customer: "acme", project: "site", detail: { mail: true } },
      { project: "site", detail: { dies: true } },
      { project: "api" },
      { id: "event-4", idempotencyKey: "event-3", project: "api" },
      { id: "event-5", sentAt: new Date(T0.getTime() + 70_000) },
    );
    const { counts, ...told } = await plan();
    expect(counts).toMatchObject({
      scanned: 5,
      matched: 6,
      sent: 5,
      done: 0,
      dead: 0,
      open: 0,
      skipped: { duplicate: 1 },
    });
    expect(counts.versions.map(({ component, alias, version, count }) => [component, alias, version, count])).toEqual([
      ["mailer", "stable", "22", 1],
      ["release-coordinator", "beta", "23", 1],
      ["release-coordinator", "stable", "22", 3],
    ]);
    const minute = Math.floor(T0.getTime() / 60_000) * 60_000;
    expect([...told.perMinute]).toEqual([
      [minute, 3],
      [minute + 60_000, 2],
      [minute + 120_000, 1],
    ]);
    expect(Object.fromEntries(told.byStatus)).toEqual({ done: 4, dead: 1, duplicate: 1 });
    expect(told.handledBy[0]).toMatchObject({ count: 2 });
    const handled = told.handledBy.map(
      ({ component, alias, version, count }) => `${component} ${alias} ${version}: ${count}`,
    );
    expect(handled.toSorted()).toEqual([
      "mailer stable 22: 1",
      "release-coordinator beta 23: 1",
      "release-coordinator stable 22: 2",
      "release-coordinator stable : 1",
    ]);
    expect(told).toMatchObject({ projects: 2, longestLane: 3 });
  });

  it("sends and writes nothing", async () => {
    const { arrive, plan, calls, sends } = await aWindow();
    await arrive({}, {});
    calls.since();
    await plan();
    expect(new Set(calls.since())).toEqual(new Set(["list", "head", "deliveries"]));
    expect(sends).toHaveLength(2);
  });

  it("says how far it is", async () => {
    const { arrive, ports, time } = await aWindow();
    await arrive({}, {});
    const heard: unknown[] = [];
    const request = { window: WINDOW, filter: {}, mode: "rerun", destination: { kind: "today" } } as const;
    const replay = { ...request, name: "the plan", startedAt: time.now() };
    await planReplay(ports, replay, time.now, (scanned, upTo) => heard.push([scanned, upTo]));
    expect(heard).toEqual([[2, new Date(T0.getTime() + 1_000)]]);
  });

  it("has what a source's mapping refused as rejected, be it sent now or still unreadable", async () => {
    const { arrive, plan, table } = await aWindow();
    const source = { source: "shop", idempotencyKey: "detail.order", customer: "detail.buyer" };
    await putRows(table, { "source#shop": source });
    await arrive({ detail: { order: { id: "one" }, buyer: "acme", metadata: {} } });
    const told = async () => {
      const { byStatus, counts } = await plan({ filter: { status: "rejected" } });
      return { ...Object.fromEntries(byStatus), sent: counts.sent };
    };
    expect(await told()).toEqual({ rejected: 1, sent: 0 });
    await putRows(table, { "source#shop": { ...source, idempotencyKey: "detail.order.id" } });
    expect(await told()).toEqual({ rejected: 1, sent: 1 });
  });

  it("has what nobody listened to as unmatched, be it sent to a listener of now", async () => {
    const { arrive, plan, table } = await aWindow();
    const other = aComponent({ pattern: { detail: { nobody: [true] } } });
    const row = "component#release-coordinator";
    await putRows(table, { [row]: other });
    await arrive({});
    const told = async (status: "unmatched" | undefined) => {
      const { byStatus, counts } = await plan({ filter: status === undefined ? {} : { status } });
      return { ...Object.fromEntries(byStatus), sent: counts.sent };
    };
    expect(await told(undefined)).toEqual({ unmatched: 1, sent: 0 });
    await putRows(table, { [row]: aComponent() });
    expect(await told("unmatched")).toEqual({ unmatched: 1, sent: 1 });
  });

  it("a plan of a pattern that is none is refused", async () => {
    const { plan } = await aWindow();
    await expect(plan({ filter: { pattern: { source: "shop" } as never } })).rejects.toThrow(/pattern/);
  });

  it("is what the run does when nothing changes, whatever is asked of whatever arrived", async () => {
    const event = fc.record(
      {
        customer: fc.constantFrom("acme", "globex"),
        project: fc.constantFrom("site", "api"),
        source: fc.constantFrom("shop", "bank"),
        key: fc.constantFrom("one", "two"),
        mail: fc.boolean(),
        dies: fc.boolean(),
      },
      { requiredKeys: ["mail", "dies"] },
    );
    const filter = fc.record(
      {
        customer: fc.constantFrom("acme", "globex"),
        component: fc.constantFrom("mailer", "release-coordinator", "nobody"),
        status: fc.constantFrom("done", "dead", "rejected", "duplicate"),
        alias: fc.constantFrom("stable", "beta"),
        executedVersion: fc.constantFrom("22", "23"),
      },
      { requiredKeys: [] },
    );
    const destination = fc.constantFrom<ReplayRequest["destination"]>(
      { kind: "today" },
      { kind: "original" },
      { kind: "alias", alias: "beta" },
    );
    const avoidVersion = fc.option(fc.constantFrom("22", "23"), { nil: undefined });
    const events = fc.array(event, { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        events,
        filter,
        fc.constantFrom(...replayModes),
        destination,
        avoidVersion,
        async (all, ...[asked, mode, to, avoid]) => {
          const { arrive, plan, start, run, sends, replay, sweepUp, time } = await aWindow();
          await arrive(
            ...all.map(({ key, mail, dies, ...about }, n) => ({
              ...about,
              ...(key === undefined ? {} : { idempotencyKey: key, messageId: `message-${n}` }),
              detail: { mail, dies },
            })),
          );
          await time.pass(60_000);
          await sweepUp();
          const before = sends.length;
          const request = {
            filter: asked as ReplayRequest["filter"],
            mode,
            destination: to,
            ...(avoid && { avoidVersion: avoid }),
          };
          const planned = await plan(request);
          await start({ ...request, planned: planned.counts });
          const { progress } = await run();
          const { counts } = progress;
          expect(counts.matched).toBe(counts.sent + skippedInAll(counts));
          expect({ ...counts, done: 0 }).toEqual(planned.counts);
          expect(counts.done).toBe(planned.counts.sent);
          expect(sends.length - before).toBe(planned.counts.sent);
          expect(differenceLines(await replay())).toEqual([]);
          const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0);
          expect(sum(planned.perMinute.values())).toBe(planned.counts.matched);
          expect(sum(planned.byStatus.values())).toBe(planned.counts.matched);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("differs from the run by what was changed in between, and the difference is named", async () => {
    const { arrive, plan, start, run, table, replay } = await aWindow();
    await arrive({ customer: "acme", detail: { mail: true } }, { customer: "acme" }, { customer: "globex" });
    const planned = await plan();
    await putRows(table, { "customer#acme": null, "component#mailer": null });
    await start({ planned: planned.counts });
    await run();
    expect(differenceLines(await replay())).toEqual([
      "mailer stable, version 22: 1 planned, 0 sent",
      "release-coordinator beta, version 23: 2 planned, 0 sent",
      "release-coordinator stable, version 22: 1 planned, 3 sent",
      "no component: 0 to be skipped as planned, 1 skipped",
    ]);
  });

  it("a plan of a window with nothing in it has nothing to tell", async () => {
    const { plan } = await aWindow();
    expect(await plan()).toMatchObject({ counts: noCounts(), projects: 0, longestLane: 0 });
  });
});
