import { describe, expect, it } from "vitest";
import { rowAt, rowText, stepText, timeRows } from "../../../shared/domain/text/time-rows.ts";

const MINUTE = 60_000;
const [HOUR, DAY] = [60, 24 * 60];
const at = (text: string) => new Date(`2026-11-${text}Z`);
const rows = (from: string, to: string, most = 30, least?: number) =>
  timeRows({ from: at(from), to: at(to) }, most, least);
const shown = (found: ReturnType<typeof rows>) => found.starts.map((_, row) => rowText(found, row));

describe("a window in rows", () => {
  it.each<[string, string, number, number]>([
    ["20T10:00:00", "20T10:30:00", 30, 1],
    ["20T10:00:00", "20T10:31:00", 30, 2],
    ["20T10:00:00", "20T10:30:00.001", 30, 2],
    ["20T10:00:00", "20T11:00:01", 30, 5],
    ["20T10:00:00", "20T12:30:00", 30, 5],
    ["20T10:00:00", "20T15:00:00", 30, 10],
    ["20T10:00:00", "20T17:30:00", 30, 15],
    ["20T00:00:00", "20T15:00:00", 30, 30],
    ["20T00:00:00", "21T06:00:00", 30, HOUR],
    ["20T00:00:00", "22T12:00:00", 30, 2 * HOUR],
    ["20T00:00:00", "23T18:00:00", 30, 3 * HOUR],
    ["20T00:00:00", "27T12:00:00", 30, 6 * HOUR],
    ["01T00:00:00", "16T00:00:00", 30, 12 * HOUR],
    ["01T00:00:00", "16T00:00:01", 30, DAY],
    ["01T00:00:00", "11T00:00:00", 5, 2 * DAY],
    ["01T00:00:00", "11T00:00:01", 5, 3 * DAY],
  ])("from %s to %s takes, in %i rows at most, rows of %i minutes", (from, to, most, step) => {
    const found = rows(from, to, most);
    expect(found.step).toBe(step);
    expect(found.starts.length).toBeLessThanOrEqual(most);
    expect(found.starts[0]).toBeLessThanOrEqual(at(from).getTime() / MINUTE);
  });

  it("begins at a full step of the day, or with the day, and ends with its last moment", () => {
    expect(shown(rows("20T10:07:30", "20T11:00:00", 12))).toEqual(
      Array.from({ length: 11 }, (_, n) => `10:${String(5 + 5 * n).padStart(2, "0")}`),
    );
    expect(shown(rows("20T10:00:00", "20T10:02:00"))).toEqual(["10:00", "10:01"]);
    expect(shown(rows("20T10:00:00", "20T10:00:00.001"))).toEqual(["10:00"]);
    expect(shown(rows("19T13:00:00", "23T01:00:00", 3))).toEqual(["2026-11-19", "2026-11-21", "2026-11-23"]);
  });

  it("has no finer rows than what is counted in them", () => {
    expect(rows("20T10:00:00", "20T12:00:00", 30, HOUR)).toMatchObject({ step: HOUR, starts: { length: 2 } });
    expect(rows("20T10:00:00", "20T12:00:00", 300, 2).step).toBe(2);
  });

  it("has each of its moments in one row, and others in none", () => {
    const found = rows("20T10:00:00", "20T10:30:00", 6);
    expect(found.step).toBe(5);
    const where = ["20T09:59:59.999", "20T10:00:00", "20T10:04:59.999", "20T10:05:00", "20T10:29:59", "20T10:30:00"];
    expect(where.map((text) => rowAt(found, at(text)))).toEqual([undefined, 0, 0, 1, 5, undefined]);
  });

  it("names its rows by the time of day, with the day where there are several", () => {
    expect(shown(rows("20T22:00:00", "21T00:00:00", 2))).toEqual(["22:00", "23:00"]);
    expect(shown(rows("20T22:00:00", "21T01:00:00", 3))).toEqual(["11-20 22:00", "11-20 23:00", "11-21 00:00"]);
    expect(shown(rows("20T00:00:00", "22T00:00:00", 2))).toEqual(["2026-11-20", "2026-11-21"]);
    expect(rowText({ step: 1, starts: [] }, 0)).toBe("00:00");
  });

  it.each([
    [1, "minute"],
    [5, "5 minutes"],
    [HOUR, "hour"],
    [3 * HOUR, "3 hours"],
    [DAY, "day"],
    [2 * DAY, "2 days"],
  ])("of %i minutes is one of a %s", (step, text) => {
    expect(stepText({ step, starts: [] })).toBe(text);
  });
});
