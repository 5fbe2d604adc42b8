import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outsidePeriod, Period } from "../../../shared/domain/routing/period.ts";
import { read } from "../../../shared/domain/text/schema.ts";

const before = "2026-11-20T09:59:59.999Z";
const now = "2026-11-20T10:00:00.000Z";
const after = "2026-11-20T10:00:00.001Z";

describe("a period", () => {
  it.each([
    [{}, undefined],
    [{ from: before }, undefined],
    [{ from: now }, undefined],
    [{ from: after }, `starts ${after}`],
    [{ until: after }, undefined],
    [{ until: now }, `expired ${now}`],
    [{ until: before }, `expired ${before}`],
    [{ from: before, until: after }, undefined],
    [{ from: now, until: after }, undefined],
    [{ from: before, until: now }, `expired ${now}`],
    [{ from: now, until: now }, `expired ${now}`],
    [{ from: after, until: before }, `expired ${before}`],
  ])("%j: why it doesn't count at 10:00:00.000 is %s", (period, why) => {
    expect(outsidePeriod(period, new Date(now))).toBe(why);
  });

  it("counts from its start up to but not at its end", () => {
    const instant = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instant, instant, instant, (from, until, at) => {
        const period = { from: from.toISOString(), until: until.toISOString() };
        expect(outsidePeriod(period, at) === undefined).toBe(from <= at && at < until);
      }),
    );
  });

  it("refuses a misspelt end, which would never come", () => {
    expect(read(Period, { untill: now })).toEqual({ ok: false, problem: expect.stringContaining("untill") });
  });
});
