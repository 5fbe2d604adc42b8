import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { paceOf } from "../../../shared/flows/replay/pace.ts";

const at = (ms: number) => new Date(1_000_000 + ms);

/** Takes as much as it may for so long, waiting as it is told, or longer. Returns when each was begun, in ms. */
function begun(perSecond: number, endMs: number, wanted = 1_000, late: (turn: number) => number = () => 0): number[] {
  const pace = paceOf(perSecond);
  const times: number[] = [];
  let now = 0;
  for (let turn = 0; now < endMs; turn++) {
    const taken = pace.take(wanted, at(now));
    times.push(...new Array<number>(taken).fill(now));
    now += pace.waitMs(at(now)) + late(turn);
  }
  return times;
}

describe("a pace", () => {
  it("lets the first begin at once", () => {
    expect(paceOf(0.1).take(1, at(0))).toBe(1);
    expect(paceOf(100).take(25, at(0))).toBe(10);
  });

  it("a pace without a rate lets everything begin at once", () => {
    const pace = paceOf(undefined);
    expect(pace.take(1_000, at(0))).toBe(1_000);
    expect(pace.waitMs(at(0))).toBe(0);
  });

  it.each([
    [0.25, 16_000, 4],
    [1.5, 10_000, 15],
    [100, 10_000, 1_000],
    [2_500, 2_000, 5_000],
  ])("of %d a second lets as many begin in %d ms as that is, but for one and a burst", (perSecond, endMs, expected) => {
    const { length } = begun(perSecond, endMs);
    expect(length).toBeGreaterThanOrEqual(expected - 1 - perSecond / 1_000);
    expect(length).toBeLessThanOrEqual(expected + Math.max(1, perSecond / 10));
  });

  it("waits for exactly as long as the next one takes", () => {
    expect(begun(0.25, 12_001)).toEqual([0, 4_000, 8_000, 12_000]);
  });

  it("tells how long the next one takes from now on, however long ago the last one was begun", () => {
    const pace = paceOf(1);
    expect(pace.take(1, at(0))).toBe(1);
    expect(pace.waitMs(at(400))).toBe(600);
    expect(pace.waitMs(at(900))).toBe(100);
  });

  it("has no more than its rate and a tenth of a second's worth begin within any time, however irregularly it is asked", () => {
    const late = fc.array(fc.oneof(fc.nat(20), fc.nat(3_000)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.double({ min: 0.2, max: 2_000, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        late,
        (rate, wanted, pauses) => {
          const times = begun(rate, 10_000, wanted, (turn) => pauses[turn % pauses.length] ?? 0);
          for (const spanMs of [1, 100, 1_000, 5_000]) {
            let first = 0;
            times.forEach((time, last) => {
              while ((times[first] ?? 0) < time - spanMs) first += 1;
              const most = (rate * spanMs) / 1_000 + Math.max(1, rate / 10);
              if (last - first + 1 > most + 1e-6)
                throw new Error(`${last - first + 1} within ${spanMs} ms, of ${most}`);
            });
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("keeps to its rate when the clock is put back", () => {
    const pace = paceOf(1);
    expect(pace.take(1, at(5_000))).toBe(1);
    expect(pace.take(1, at(0))).toBe(0);
    expect(pace.take(1, at(1_000))).toBe(1);
  });
});
