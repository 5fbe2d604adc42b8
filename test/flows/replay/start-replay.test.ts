import { describe, expect, it } from "vitest";
import { DEFAULT_RETENTION_DAYS } from "../../../shared/domain/events/event.ts";
import { overlapping } from "../../../shared/flows/replay/plan-start.ts";
import {
  askOfReplay,
  keptText,
  refuseDestination,
  refuseName,
  replayNamed,
  storedWindow,
  wouldChange,
} from "../../../shared/flows/replay/start-replay.ts";
import { aReplay } from "../../support/any-replay.ts";
import { aComponent } from "../../support/builders.ts";
import { aReplayer, WINDOW } from "../../support/replayer.ts";
import { putRows } from "../../support/router.ts";

const worker = { target: { kind: "worker" } } as const;
const request = { window: WINDOW, filter: {}, mode: "rerun" } as const;
const to = (alias: string) => ({ ...request, destination: { kind: "alias", alias } as const });

describe("starting a replay", () => {
  it("stores it for a server to run", async () => {
    const { start, replay } = await aReplayer();
    const started = await start();
    expect(await replay()).toEqual(started);
    expect(started).toMatchObject({ lock: 1, asked: "run", progress: { pass: 1, stretches: [] } });
  });

  it("refuses a name that is used, and leaves the first one as it was", async () => {
    const { start, replay } = await aReplayer();
    const first = await start();
    await expect(start({ mode: "finish" })).rejects.toMatchObject({
      message: expect.stringContaining("'replay-1' already"),
      remedies: [{ operation: "rename replay" }],
    });
    expect(await replay()).toEqual(first);
  });

  it("refuses the name that deliveries go by as they arrive", async () => {
    const { start } = await aReplayer();
    await expect(start({ name: "live" })).rejects.toThrow(/can't be called 'live'/);
  });

  it("refuses a sixth one while five are under way, and says which", async () => {
    const { start, run } = await aReplayer();
    for (let n = 1; n <= 5; n++) await start({ name: `replay-${n}` });
    await expect(start({ name: "replay-6" })).rejects.toThrow(/replay-1, .*replay-5.*Wait for one/);
    await run("replay-3");
    await expect(start({ name: "replay-6" })).resolves.toMatchObject({ name: "replay-6" });
  });
});

describe("the alias that a replay is to go to", () => {
  const components = [
    aComponent({ aliases: { stable: worker, beta: { ...worker, retired: true } } }),
    aComponent({ name: "mailer", aliases: ["stable", "canary"] }),
  ];

  it.each([
    ["stable", {}, undefined],
    ["canary", { component: "mailer" }, undefined],
    ["canary", {}, /No alias 'canary' on release-coordinator/],
    ["beta", { component: "release-coordinator" }, /retired/],
    ["nothing", { component: "mailer" }, /No alias 'nothing' on mailer/],
    ["stable", { component: "nobody" }, /no component 'nobody'/i],
  ])("'%s' of %j: %s", async (alias, filter, problem) => {
    const { routing } = await aReplayer({ components });
    const asked = refuseDestination(routing.routing, { ...to(alias), filter });
    if (problem === undefined) await expect(asked).resolves.toBeUndefined();
    else await expect(asked).rejects.toThrow(problem);
  });

  it("isn't asked for where the routing of the day decides", async () => {
    const { routing, calls } = await aReplayer({ components });
    await refuseDestination(routing.routing, { ...request, destination: { kind: "today" } });
    expect(calls.since()).toEqual([]);
  });
});

describe("a replay's name", () => {
  it("is refused where another has it, or deliveries as they arrive", async () => {
    const { start, replays } = await aReplayer();
    await expect(refuseName(replays, "live")).rejects.toThrow("A replay can't be called 'live'");
    await expect(refuseName(replays, "replay-1")).resolves.toBeUndefined();
    await start();
    await expect(refuseName(replays, "replay-1")).rejects.toThrow("There is a replay 'replay-1' already");
  });
});

describe("replays on the same events", () => {
  it("are those under way whose windows have a moment in common", async () => {
    const { start, replays } = await aReplayer();
    await start();
    const within = async (fromMs: number, toMs: number) => {
      const window = { from: new Date(WINDOW.from.getTime() + fromMs), to: new Date(WINDOW.from.getTime() + toMs) };
      return (await overlapping(replays, window)).length;
    };
    const lengthMs = WINDOW.to.getTime() - WINDOW.from.getTime();
    expect(await within(-10, 0)).toBe(0);
    expect(await within(-10, 1)).toBe(1);
    expect(await within(lengthMs - 1, lengthMs + 10)).toBe(1);
    expect(await within(lengthMs, lengthMs + 10)).toBe(0);
  });
});

describe("what is asked of a replay", () => {
  it("would change nothing that is so already, and isn't asked of what can't do it", () => {
    const ended = { endedAt: new Date(0) };
    const would = (asked: "run" | "pause" | "cancel", about: Parameters<typeof aReplay>[0]) =>
      wouldChange(aReplay(about), asked);
    expect(would("run", { asked: "run" })).toBe(false);
    expect(would("pause", { asked: "pause", progress: ended })).toBe(false);
    expect(would("run", { asked: "pause" })).toBe(true);
    expect(would("cancel", { asked: "run" })).toBe(true);
    expect(() => would("run", { asked: "run", progress: ended })).toThrow("has come to its end");
    expect(() => would("run", { asked: "cancel", progress: ended })).toThrow("was cancelled and has come to its end");
    expect(() => would("run", { asked: "cancel" })).toThrow("was cancelled, and doesn't go on");
    expect(() => would("pause", { asked: "cancel" })).toThrow("was cancelled, and doesn't go on");
    const failed = { ...ended, failed: true as const };
    expect(() => would("pause", { progress: failed })).toThrow("has failed, and isn't under way");
    expect(would("run", { asked: "run", progress: failed })).toBe(true);
    expect(would("cancel", { asked: "run", progress: failed })).toBe(true);
  });

  const asking = (asked: "run" | "pause" | "cancel") => ({ asked, who: "bob", why: "a test", at: new Date(0) });

  it("is stored with who asked it and why, and asked twice changes nothing", async () => {
    const { start, replays } = await aReplayer();
    await start();
    const { replay, changed } = await askOfReplay(replays, "replay-1", asking("pause"));
    expect(changed).toBe(true);
    expect(replay).toMatchObject({ asked: "pause", askedBy: { who: "bob", why: "a test" } });
    expect(await askOfReplay(replays, "replay-1", asking("pause"))).toEqual({ replay, changed: false });
  });

  it("is refused of one that has come to its end", async () => {
    const { start, run, replays } = await aReplayer();
    await start();
    await run();
    for (const asked of ["run", "pause", "cancel"] as const) {
      await expect(askOfReplay(replays, "replay-1", asking(asked))).rejects.toThrow(/has come to its end/);
    }
  });

  it("what is asked of a replay of one that isn't there tells those that are", async () => {
    const { start, replays } = await aReplayer();
    await expect(replayNamed(replays, "nobody")).rejects.toThrow(/No replay 'nobody'. There are none yet/);
    await start();
    await expect(askOfReplay(replays, "nobody", asking("pause"))).rejects.toThrow(/The newest are: replay-1/);
  });

  it("isn't lost when its driver writes at the same time, nor is what the driver writes", async () => {
    const { start, replays, replay } = await aReplayer();
    const before = await start();
    const { get } = replays;
    let raced = false;
    const racing = {
      ...replays,
      async get(name: string) {
        const found = await get(name);
        if (!raced) await replays.update({ ...before, progress: { ...before.progress, trouble: "written meanwhile" } });
        raced = true;
        return found;
      },
    };
    await askOfReplay(racing, "replay-1", asking("cancel"));
    expect(await replay()).toMatchObject({ asked: "cancel", lock: 3, progress: { trouble: "written meanwhile" } });
  });
});

describe("the window of a replay", () => {
  const now = new Date("2026-11-20T12:00:00.000Z");
  const DAY_MS = 86_400_000;
  const ago = (ms: number) => new Date(now.getTime() - ms);

  /** What is left of a window from so long ago to so long ago, in days; what is removed within an hour is left out. */
  async function left(fromMs: number, toMs: number, rows: Parameters<typeof putRows>[1] = {}) {
    const { table } = await aReplayer();
    await putRows(table, rows);
    return storedWindow(table, { from: ago(fromMs), to: ago(toMs) }, now);
  }
  const keptMs = (days: number) => days * DAY_MS - 3_600_000;

  it("ends now at the latest, which is told", async () => {
    await expect(left(DAY_MS, -1)).resolves.toEqual({ window: { from: ago(DAY_MS), to: ago(-1) } });
    await expect(left(DAY_MS, -2)).rejects.toMatchObject({
      message: expect.stringContaining("2026-11-20T12:00:00.002Z, lies in the future"),
      remedies: ["leave it out to end it now"],
    });
  });

  it("is cut where events have been removed, and refused where nothing is left of it", async () => {
    const oldestMs = keptMs(DEFAULT_RETENTION_DAYS);
    expect(await left(oldestMs, 0)).toEqual({ window: { from: ago(oldestMs), to: now } });
    expect(await left(oldestMs + 1, oldestMs - 1)).toEqual({
      window: { from: ago(oldestMs), to: ago(oldestMs - 1) },
      cut: { days: DEFAULT_RETENTION_DAYS, oldest: ago(oldestMs) },
    });
    const kept = keptText({ days: DEFAULT_RETENTION_DAYS, oldest: ago(oldestMs) });
    await expect(left(oldestMs + 1, oldestMs)).rejects.toThrow(
      `Nothing of the time window is stored any more. ${kept}.`,
    );
  });

  it("goes back as far as the source whose events are kept longest", async () => {
    const shop = { source: "shop", retentionDays: 40, retentionDaysByType: { audit: 50 } };
    const bank = { source: "bank", retentionDays: 60 };
    const oldest = async (rows: Parameters<typeof putRows>[1]) => (await left(DAY_MS * 100, 0, rows)).cut?.days;
    expect(await oldest({ "source#shop": { ...shop, retentionDays: 40 } })).toBe(50);
    expect(await oldest({ "source#shop": shop, "source#bank": bank })).toBe(60);
    expect(await oldest({ "source#bank": { source: "bank", retentionDays: 1 } })).toBe(DEFAULT_RETENTION_DAYS);
  });
});
