import { expect, test } from "vitest";
import { replayBesideLive } from "../../scripts/bench/replay-beside-live.ts";
import { skippedInAll } from "../../shared/domain/replays/replay-counts.ts";

const EVENTS = 500;

test("a replay whose server is killed in the middle delivers every event once, and says so", async () => {
  const { counts, effects, live } = await replayBesideLive({
    events: EVENTS,
    measureMs: 500,
    livePerSecond: 100,
    kills: 2,
    replayPerSecond: 150,
  });
  // What isn't at rest as it arrived, on a machine that is busy, is left to the routing of today.
  expect(counts.matched).toBe(EVENTS);
  expect(counts.sent + skippedInAll(counts)).toBe(EVENTS);
  expect(counts).toMatchObject({ done: counts.sent, dead: 0, open: 0 });
  expect(effects.keys).toBe(counts.sent);
  expect(counts.sent).toBeGreaterThan(EVENTS / 2);
  expect(live.done).toBeGreaterThan(0);
});
