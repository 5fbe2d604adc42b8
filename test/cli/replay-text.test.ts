import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { barLine, rateMeter } from "../../scripts/commands/replays/replay-bar.ts";
import { histogram } from "../../scripts/commands/replays/replay-histogram.ts";
import { replayJson } from "../../scripts/commands/replays/replay-json.ts";
import { endLines, planLines } from "../../scripts/commands/replays/replay-text.ts";
import { noCounts, type ReplayCounts, type VersionCount } from "../../shared/domain/replays/replay.ts";
import { differenceLines, secondsText, statusText } from "../../shared/domain/replays/replay-told.ts";
import { aReplay } from "../support/any-replay.ts";

const MINUTE_MS = 60_000;
const at = (time: string) => new Date(`2026-11-20T${time}Z`);
const NOW = at("10:00:00");

/** So many matches in each of these minutes. */
const perMinute = (counts: Record<string, number>) =>
  new Map(Object.entries(counts).map(([minute, count]) => [at(minute).getTime(), count]));

const rows = (counts: Record<string, number>, from: string, to: string) =>
  histogram(perMinute(counts), at(from).getTime(), at(to).getTime());

const target = (alias: string, version: string, count: number): VersionCount => ({
  component: "release-coordinator",
  alias,
  version,
  count,
});

const counts = (about: Partial<ReplayCounts>): ReplayCounts => ({ ...noCounts(), ...about });

describe("the histogram of a plan", () => {
  it("has a row per minute, with bars in eighths that are never empty for what is there", () => {
    const full = "█".repeat(40);
    expect(rows({ "09:01": 1, "09:02": 1_000, "09:03": 500 }, "09:01:30", "09:04")).toEqual([
      "matched per minute, UTC",
      "  09:01     1  ▏",
      `  09:02  1000  ${full}`,
      `  09:03   500  ${full.slice(20)}`,
    ]);
  });

  it("takes rows together in which nothing is, four or more", () => {
    expect(rows({ "09:00": 1, "09:04": 1, "09:09": 1 }, "09:00", "09:10").slice(1)).toEqual([
      `  09:00  1  ${"█".repeat(40)}`,
      "  09:01  0",
      "  09:02  0",
      "  09:03  0",
      `  09:04  1  ${"█".repeat(40)}`,
      "  09:05  0",
      "  …",
      "  09:08  0",
      `  09:09  1  ${"█".repeat(40)}`,
    ]);
  });

  it.each([
    ["2026-11-20T09:00Z", "2026-11-20T09:20Z", "minute", "09:00"],
    ["2026-11-20T09:00Z", "2026-11-20T09:20:01Z", "2 minutes", "09:00"],
    ["2026-11-20T09:01Z", "2026-11-20T09:31Z", "2 minutes", "09:00"],
    ["2026-11-20T08:57Z", "2026-11-20T09:57Z", "5 minutes", "08:55"],
    ["2026-11-20T03:00Z", "2026-11-20T09:00Z", "30 minutes", "03:00"],
    ["2026-11-19T20:10Z", "2026-11-20T04:00Z", "30 minutes", "11-19 20:00"],
    ["2026-11-19T10:00Z", "2026-11-20T10:00Z", "2 hours", "11-19 10:00"],
    ["2026-11-06T10:00Z", "2026-11-20T10:00Z", "day", "2026-11-06"],
    ["2026-10-21T10:00Z", "2026-11-20T10:00Z", "2 days", "2026-10-21"],
  ])("has rows of a length that a person knows: %s to %s", (from, to, unit, first) => {
    const [title, ...lines] = histogram(new Map(), new Date(from).getTime(), new Date(to).getTime());
    expect(title).toBe(`matched per ${unit}, UTC`);
    expect(lines[0]).toBe(`  ${first}  0`);
  });

  it("has at most 20 rows of any window, and counts every match once", () => {
    const window = fc.record({ from: fc.nat(1e9), minutes: fc.integer({ min: 1, max: 100_000 }) });
    const property = fc.property(window, fc.array(fc.nat(1e9), { maxLength: 50 }), ({ from, minutes }, matches) => {
      const to = from + minutes * MINUTE_MS;
      const found = new Map<number, number>();
      for (const match of matches) {
        const minute = Math.floor((from + (match % (to - from))) / MINUTE_MS) * MINUTE_MS;
        found.set(minute, (found.get(minute) ?? 0) + 1);
      }
      const [, ...lines] = histogram(found, from, to);
      expect(lines.length).toBeLessThanOrEqual(20);
      const numbers = lines.map((line) => Number(/ {2}(\d+)(?: {2}[█▏▎▍▌▋▊▉]+)?$/.exec(line)?.[1] ?? 0));
      expect(numbers.reduce((sum, number) => sum + number, 0)).toBe(matches.length);
    });
    fc.assert(property, { numRuns: 200 });
  });
});

describe("a plan in words", () => {
  it("says why something is skipped, most frequent first, and gives no estimate of nothing", () => {
    const plan = {
      counts: counts({ scanned: 9, matched: 10, skipped: { waiting: 2, "done already": 5, repaired: 3 } }),
      perMinute: perMinute({ "09:00": 10 }),
      byStatus: new Map([["waiting", 2] as const, ["done", 5] as const]),
      handledBy: [target("stable", "", 5)],
      repairedBy: new Map([
        ["replay-1", 2],
        ["replay-2", 1],
      ]),
      sentDone: 0,
      sentUnresolved: 0,
      projects: 0,
      longestLane: 0,
    };
    const request = { ...aReplay(), window: { from: at("09:00"), to: at("09:01") } };
    expect(planLines(plan, request, 100).slice(2)).toEqual([
      "matched  10, of 9 stored events in the window",
      "status   5 done",
      "         2 waiting",
      "handled  release-coordinator stable, no version: 5",
      "skipped  10:",
      "           5 done already: it was delivered, and is not run again to finish it",
      "           3 repaired: it is dead, and a later replay has made it good",
      "             2 by replay-1",
      "             1 by replay-2",
      "           2 waiting: no router has taken it up yet: it will be delivered by today's routing",
      "send     0",
    ]);
  });

  it("says how long it takes and what it costs", () => {
    const sent = 2_000_000;
    const plan = {
      counts: counts({ scanned: sent, matched: sent, sent, versions: [target("stable", "7", sent)] }),
      perMinute: new Map(),
      byStatus: new Map(),
      handledBy: [],
      repairedBy: new Map(),
      sentDone: 0,
      sentUnresolved: sent,
      projects: 12,
      longestLane: 70,
    };
    const end = (perSecond: number | undefined) => planLines(plan, aReplay(), perSecond).slice(-3);
    expect(end(1_000)).toEqual([
      "takes    about 34 min at 1000/s",
      "         12 projects, each one by one, the longest with 70",
      expect.stringMatching(/^costs {4}about \$\d\.\d\d in requests on AWS$/),
    ]);
    expect(end(undefined)[0]).toBe("takes    as long as the components do");
  });
});

it.each([
  [0, "1 s"],
  [0.2, "1 s"],
  [45, "45 s"],
  [89.1, "90 s"],
  [90, "2 min"],
  [719, "12 min"],
  [5_340, "89 min"],
  [5_341, "1 h 30 min"],
  [12_000, "3 h 20 min"],
  [7_200, "2 h"],
])("%d seconds are %s", (seconds, text) => {
  expect(secondsText(seconds)).toBe(text);
});

const openStretch = (waitsFor: number) => ({
  upTo: { t0: NOW, eventKey: "", payloadHash: "" },
  counts: noCounts(),
  waitsFor,
});

describe("where a replay is", () => {
  const driver = { id: "d", until: at("10:01:00") };
  const startedAt = at("09:59:00");
  it.each([
    ["queued", {}],
    ["running", { driver, progress: { startedAt } }],
    [
      "waiting until 10:00:05, to look again for events that were just arriving",
      { progress: { startedAt, pass: 2, nextPassAt: at("10:00:05") } },
    ],
    [
      "waiting until 10:00:05, for 3 that aren't at rest",
      { progress: { startedAt, pass: 3, nextPassAt: at("10:00:05"), stretches: [openStretch(1), openStretch(2)] } },
    ],
    ["running", { progress: { startedAt, pass: 2, nextPassAt: at("09:59:59") } }],
    ["pausing", { asked: "pause" as const, driver, progress: { startedAt } }],
    ["paused", { asked: "pause" as const, progress: { startedAt } }],
    ["stopping", { asked: "cancel" as const, progress: { startedAt } }],
    ["cancelled", { asked: "cancel" as const, progress: { startedAt, endedAt: NOW } }],
    ["done", { progress: { startedAt, endedAt: NOW } }],
  ])("is told as %s", (text, about) => {
    expect(statusText(aReplay(about), NOW)).toBe(text);
  });
});

describe("the bar of a replay that is watched", () => {
  const planned = counts({ sent: 200 });
  const running = (about: Partial<ReplayCounts>) =>
    aReplay({ planned, progress: { startedAt: at("09:59:00"), counts: counts(about) } });

  it("has counts, rate and time left", () => {
    expect(barLine(running({ sent: 50, done: 47, dead: 2, open: 1 }), 10, NOW, 100)).toBe(
      "[#######-----------------------]  25 %  50 of 200 sent, 47 done, 2 dead, 1 open  10/s, 15 s left",
    );
    expect(barLine(running({}), 0, NOW, 100)).toMatch(/^\[-{30}\] {3}0 % {2}0 of 200 sent, 0 done {2}0\/s$/);
  });

  it("gives way to its text, and is never wider than the terminal", () => {
    const replay = running({ sent: 200, done: 200 });
    for (const columns of [200, 79, 60, 40, 20, 5]) {
      expect(barLine(replay, 10, NOW, columns).length).toBeLessThanOrEqual(columns);
    }
    expect(barLine(replay, 10, NOW, 60)).toBe("[###################] 100 %  200 of 200 sent, 200 done  10/s");
    expect(barLine(replay, 10, NOW, 40)).toBe("100 %  200 of 200 sent, 200 done  10/s");
  });

  it("says what is wrong, without control characters", () => {
    const trouble = { progress: { startedAt: NOW, trouble: "disk \u001b[31mfull" } };
    expect(barLine(aReplay({ planned, ...trouble }), 0, NOW, 200)).toMatch(/0\/s; trouble: disk \\u001b\[31mfull$/);
  });

  it("shows what was sent when more is sent than was planned", () => {
    expect(barLine(running({ sent: 300, done: 300 }), 0, NOW, 100)).toContain("100 %  300 of 300 sent");
  });

  it("tells the rate of the last five seconds", () => {
    const rateOf = rateMeter();
    const rates = [0, 0, 10, 20, 30, 40, 50, 150].map((sent, second) =>
      rateOf(running({ sent }), new Date(NOW.getTime() + second * 1_000)),
    );
    expect(rates.map(Math.round)).toEqual([0, 0, 5, 7, 8, 8, 10, 28]);
  });
});

describe("what became of a replay", () => {
  const planned = counts({ sent: 5, versions: [target("stable", "22", 5)], skipped: { waiting: 1 } });

  it("names every difference from its plan, and nothing where all was as planned", () => {
    const asPlanned = aReplay({ planned, progress: { counts: planned } });
    expect(differenceLines(asPlanned)).toEqual([]);
    const moved = counts({
      sent: 5,
      versions: [target("beta", "", 1), target("stable", "22", 3), target("stable", "23", 1)],
      skipped: { "not at rest": 2 },
    });
    expect(differenceLines(aReplay({ planned, progress: { counts: moved } }))).toEqual([
      "release-coordinator stable, version 22: 5 planned, 3 sent",
      "release-coordinator beta, no version: 0 planned, 1 sent",
      "release-coordinator stable, version 23: 0 planned, 1 sent",
      "waiting: 1 to be skipped as planned, 0 skipped",
      "not at rest: 0 to be skipped as planned, 2 skipped",
    ]);
  });

  it("is told in a line or two, with where the dead are", () => {
    const ended = { startedAt: NOW, endedAt: NOW };
    const sent = counts({ sent: 5, done: 4, dead: 1, versions: planned.versions, skipped: planned.skipped });
    expect(endLines(aReplay({ planned, progress: { ...ended, counts: sent } }))).toEqual([
      "after-the-outage done: 5 deliveries sent, 4 done, 1 dead",
      "  the dead: turnout events --replay after-the-outage --status dead --from 2026-11-20T08:00:00.000Z",
    ]);
    const cut = counts({ sent: 1, open: 1 });
    const cancelled = aReplay({ planned, asked: "cancel", progress: { ...ended, counts: cut } });
    expect(endLines(cancelled)).toEqual([
      "after-the-outage cancelled: 1 delivery sent, 0 done, 0 dead",
      "  1 goes on as events do that have just arrived",
    ]);
    expect(replayJson(cancelled, NOW)).toMatchObject({ status: "cancelled", not_as_planned: [] });
  });

  it("says why it has failed, and how it goes on", () => {
    const trouble = "a row can't be read";
    const failed = {
      startedAt: NOW,
      endedAt: NOW,
      failed: true as const,
      trouble,
      counts: counts({ sent: 1, open: 1 }),
    };
    const lines = (asked: "run" | "cancel") => endLines(aReplay({ planned, asked, progress: failed }));
    expect(lines("run")).toEqual([
      "after-the-outage failed: 1 delivery sent, 0 done, 0 dead",
      "  why: a row can't be read",
      "  once that is put right: turnout replay resume after-the-outage; it goes on from where it had come",
    ]);
    expect(lines("cancel").join()).toContain("turnout replay cancel after-the-outage");
    expect(replayJson(aReplay({ planned, progress: failed }), NOW)).toMatchObject({
      status: "failed",
      trouble,
      not_as_planned: [],
    });
  });

  it("is told of the last whole pass while another one counts anew", () => {
    const before = counts({ sent: 5, done: 5 });
    const replay = aReplay({ planned, progress: { startedAt: NOW, pass: 2, before, counts: counts({ sent: 1 }) } });
    expect(replayJson(replay, NOW).counts).toMatchObject({ sent: 5, done: 5 });
  });
});
