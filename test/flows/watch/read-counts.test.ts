import fc from "fast-check";
import { expect, it } from "vitest";
import { type CountSpan, countSpans, noCounts } from "../../../shared/domain/health/delivery-count.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import { readCounts, wholeMinutes } from "../../../shared/flows/watch/read-counts.ts";

const START = Date.parse("2026-11-20T10:00:00.000Z");
const MINUTE = 60_000;
const key = { component: "billing", version: "1", alias: "stable", type: "order placed" };

/** A store in which every minute has counted one first attempt, and every hour its sixty; one in each was dropped. */
function oneEachMinute() {
  const asked: [CountSpan, number][] = [];
  return {
    asked,
    async counts({ from, to }: TimeWindow, span: CountSpan) {
      const ms = countSpans[span];
      const first = Math.ceil(from.getTime() / ms) * ms;
      const starts = Array.from(
        { length: Math.max(0, Math.ceil((to.getTime() - first) / ms)) },
        (_, n) => first + n * ms,
      );
      asked.push([span, starts.length]);
      const firsts = ms / MINUTE;
      return {
        counts: starts.map((at) => ({ ...noCounts(), ...key, at: new Date(at), firsts })),
        dropped: starts.length,
      };
    },
  };
}

it("readCounts has each minute that a window touches once, however long it is and wherever it begins and ends", async () => {
  const offset = fc.integer({ min: 0, max: 3 * 3_600_000 });
  const length = fc.integer({ min: 1, max: 30 * 3_600_000 });
  await fc.assert(
    fc.asyncProperty(offset, length, async (ms, long) => {
      const window = { from: new Date(START + ms), to: new Date(START + ms + long) };
      const { counts } = await readCounts(oneEachMinute(), window);
      const minutes = Math.ceil((START + ms + long) / MINUTE) - Math.floor((START + ms) / MINUTE);
      expect(counts.reduce((sum, { firsts }) => sum + firsts, 0)).toBe(minutes);
    }),
  );
});

it("readCounts reads a window of up to three hours by the minute, and a longer one by the hour but for its ends", async () => {
  const readOver = async (minutes: number) => {
    const store = oneEachMinute();
    const from = new Date(START + 30 * MINUTE);
    const { dropped } = await readCounts(store, { from, to: new Date(from.getTime() + minutes * MINUTE) });
    return { asked: store.asked, dropped };
  };
  expect(await readOver(180)).toEqual({ asked: [["minute", 180]], dropped: 180 });
  const asked = [
    ["minute", 30],
    ["hour", 2],
    ["minute", 31],
  ];
  expect(await readOver(181)).toEqual({ asked, dropped: 63 });
});

it("wholeMinutes leaves a window of whole minutes as it is, and else takes in those that it touches", () => {
  const at = (ms: number) => new Date(START + ms);
  expect(wholeMinutes({ from: at(0), to: at(MINUTE) })).toEqual({ from: at(0), to: at(MINUTE) });
  expect(wholeMinutes({ from: at(1), to: at(MINUTE + 1) })).toEqual({ from: at(0), to: at(2 * MINUTE) });
});
