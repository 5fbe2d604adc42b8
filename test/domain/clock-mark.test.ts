import fc from "fast-check";
import { expect, it } from "vitest";
import { clockProblem, expiryTime, standing } from "../../shared/domain/clock-mark.ts";

const MARK = new Date("2026-11-20T10:00:00.000Z");
const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
const plus = (ms: number) => new Date(MARK.getTime() + ms);

it.each<[string, Date, Date | undefined, string]>([
  ["the mark's own time", MARK, MARK, "near"],
  ["an hour before it", plus(-HOUR_MS), MARK, "near"],
  ["more than an hour before it", plus(-HOUR_MS - 1), MARK, "behind"],
  ["a week after it", plus(WEEK_MS), MARK, "near"],
  ["more than a week after it", plus(WEEK_MS + 1), MARK, "ahead"],
  ["any time of a new state", MARK, undefined, "near"],
  ["1970, in a new state", new Date(5_000), undefined, "behind"],
  ["1970, with a mark of 1970", new Date(5_000), new Date(0), "behind"],
])("%s stands to its mark as is told", (_what, now, mark, expected) => {
  expect(standing(now, mark)).toBe(expected);
  expect(clockProblem(now, mark) === undefined).toBe(expected === "near");
});

it("Nothing ever expires by a time that is later than the clock, or more than a week after the mark", () => {
  const time = fc.date({ min: new Date("2025-01-01"), max: new Date("2200-01-01"), noInvalidDate: true });
  fc.assert(
    fc.property(time, time, (now, mark) => {
      const at = expiryTime(now, mark).getTime();
      expect(at).toBeLessThanOrEqual(now.getTime());
      expect(at).toBeLessThanOrEqual(mark.getTime() + WEEK_MS);
      if (standing(now, mark) !== "ahead") expect(at).toBe(now.getTime());
    }),
  );
});

it("a clock that is wrong is told with what is to be done about it", () => {
  const early = clockProblem(new Date(5_000), undefined);
  expect(early?.message).toBe(
    "The clock says 1970-01-01T00:00:05.000Z, which is before Turnout was made. Set the clock.",
  );
  expect(early?.remedies).toEqual([]);
  const behind = clockProblem(plus(-2 * HOUR_MS), MARK);
  expect(behind?.message).toBe(
    "The clock says 2026-11-20T08:00:00.000Z, and this state was in use at 2026-11-20T10:00:00.000Z. Set the clock.",
  );
  expect(behind?.remedies).toEqual([{ operation: "trust clock" }]);
  const ahead = clockProblem(plus(2 * WEEK_MS), MARK);
  expect(ahead?.message).toContain("this state was last in use at 2026-11-20T10:00:00.000Z");
  expect(ahead?.remedies).toEqual([]);
});

it("nothing is kept back by a mark that there isn't: in a new state things expire by the clock", () => {
  expect(expiryTime(MARK, undefined)).toEqual(MARK);
});
