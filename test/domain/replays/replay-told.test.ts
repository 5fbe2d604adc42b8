import { expect, it } from "vitest";
import { noCounts, type VersionCount } from "../../../shared/domain/replays/replay.ts";
import { differenceLines, progressText, secondsText, statusText } from "../../../shared/domain/replays/replay-told.ts";
import { aReplay } from "../../support/any-replay.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const startedAt = new Date("2026-11-20T09:59:00.000Z");
const nextPassAt = new Date("2026-11-20T10:05:07.900Z");
const upTo = { t0: startedAt, eventKey: "k", payloadHash: "h" };
const stretch = (waitsFor: number) => ({ upTo, counts: noCounts(), waitsFor });

it.each([
  [0.2, "1 s"],
  [89, "89 s"],
  [90, "2 min"],
  [120, "2 min"],
  [121, "3 min"],
  [89 * 60, "89 min"],
  [90 * 60, "1 h 30 min"],
  [120 * 60, "2 h"],
])("%d seconds are told as %s", (seconds, text) => {
  expect(secondsText(seconds)).toBe(text);
});

it("a replay tells how many were sent and what became of them, without what is nothing", () => {
  const counts = { ...noCounts(), sent: 5, done: 3, dead: 1, open: 1 };
  const planned = { ...noCounts(), sent: 9 };
  const running = aReplay({ planned, progress: { startedAt, counts } });
  expect(progressText(running, now)).toBe("running: 5 of 9 sent, 3 done, 1 dead, 1 open");
  const fine = aReplay({
    planned,
    progress: { startedAt, counts: { ...noCounts(), sent: 3, done: 3 }, trouble: "full" },
  });
  expect(progressText(fine, now)).toBe("running: 3 of 9 sent, 3 done; trouble: full");
  // Another pass counts anew: until it is over, the one before is told.
  const second = aReplay({ planned, progress: { startedAt, before: counts, counts: noCounts() } });
  expect(progressText(second, now)).toContain("5 of 9 sent");
});

it.each([
  [[], "waiting until 10:05:07, to look again for events that were just arriving"],
  [[1], "waiting until 10:05:07, for 1 that isn't at rest"],
  [[1, 2], "waiting until 10:05:07, for 3 that aren't at rest"],
])("a replay that waits tells for what: %j", (open, text) => {
  const waiting = aReplay({ progress: { startedAt, nextPassAt, stretches: open.map(stretch) } });
  expect(statusText(waiting, now)).toBe(text);
});

it("a replay tells only where it differs from what was planned", () => {
  const version = (about: Partial<VersionCount>): VersionCount => {
    return { component: "mailer", alias: "beta", version: "8", count: 2, ...about };
  };
  const planned = { ...noCounts(), versions: [version({}), version({ alias: "stable" })], skipped: { repaired: 2 } };
  const counts = { ...noCounts(), versions: [version({}), version({ version: "" })], skipped: { repaired: 3 } };
  expect(differenceLines(aReplay({ planned: planned, progress: { counts: counts } }))).toEqual([
    "mailer stable, version 8: 2 planned, 0 sent",
    "mailer beta, no version: 0 planned, 2 sent",
    "repaired: 2 to be skipped as planned, 3 skipped",
  ]);
  expect(differenceLines(aReplay({ planned: planned, progress: { counts: planned } }))).toEqual([]);
});
