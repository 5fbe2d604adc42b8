import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deadlineTimer } from "../../../shared/targets/worker/deadline-timer.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"], now: 0 }));
afterEach(() => void vi.useRealTimers());

/** Deadlines of which each that has come is taken off, with the times at which they were. */
function aTimer() {
  const deadlines: number[] = [];
  const rung: number[][] = [];
  let rings = 0;
  const set = deadlineTimer((nowMs) => {
    rings++;
    const due = deadlines.filter((deadline) => deadline <= nowMs);
    if (due.length > 0) rung.push([nowMs, ...due]);
    for (const deadline of due) deadlines.splice(deadlines.indexOf(deadline), 1);
    return deadlines.length === 0 ? undefined : Math.min(...deadlines);
  });
  const watch = (deadline: number) => {
    deadlines.push(deadline);
    set(deadline);
  };
  const start = performance.now();
  return {
    watch: (ms: number) => watch(start + ms),
    rung: () => rung.map((times) => times.map((ms) => ms - start)),
    deadlines,
    rings: () => rings,
  };
}

test("deadlineTimer rings at each deadline, in whatever order it is told them", () => {
  const { watch, rung } = aTimer();
  for (const deadline of [300, 100, 200]) watch(deadline);
  vi.advanceTimersByTime(1_000);
  expect(rung()).toEqual([
    [100, 100],
    [200, 200],
    [300, 300],
  ]);
});

test("deadlineTimer rings for a deadline that is told when it has rung, and at once for one that is over", () => {
  const { watch, rung } = aTimer();
  watch(100);
  vi.advanceTimersByTime(150);
  watch(120);
  watch(200);
  vi.advanceTimersByTime(1_000);
  expect(rung()).toEqual([
    [100, 100],
    [150, 120],
    [200, 200],
  ]);
});

test("deadlineTimer rings once in a deadline's time, however many that aren't reached it is told meanwhile", () => {
  const { watch, deadlines, rings } = aTimer();
  for (let ms = 0; ms < 3_000; ms++) {
    watch(ms + 1_000);
    deadlines.length = 0;
    vi.advanceTimersByTime(1);
  }
  expect(rings()).toBeLessThanOrEqual(3);
});

test("deadlineTimer rings at a deadline that is further away than the longest timer", () => {
  const { watch, rung } = aTimer();
  watch(2 ** 32);
  vi.advanceTimersByTime(2 ** 32 - 1);
  expect(rung()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rung()).toEqual([[2 ** 32, 2 ** 32]]);
});
