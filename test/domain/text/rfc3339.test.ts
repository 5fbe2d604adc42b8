import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readRfc3339 } from "../../../shared/domain/text/rfc3339.ts";

describe("readRfc3339", () => {
  test.each([
    "2026-11-20T10:00:00Z",
    "2026-11-20T11:00:00.123456789+01:00",
    "2026-11-20t10:00:00z",
    "2024-02-29T00:00:00-23:59",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
  ])("leaves %s as it is", (text) => {
    expect(readRfc3339(text)).toBe(text);
  });

  test.each([
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"],
    ["2016-12-31T23:59:60.25Z", "2017-01-01T00:00:00.25Z"],
    ["2017-01-01T08:59:60+09:00", "2017-01-01T00:00:00Z"],
  ])("reads the leap second %s as %s", (text, expected) => {
    expect(readRfc3339(text)).toBe(expected);
  });

  test.each([
    "2026-02-30T10:00:00Z",
    "2025-02-29T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-11-20T24:00:00Z",
    "2026-11-20T10:60:00Z",
    "2026-11-20T10:00:61Z",
    "2026-11-20T10:00:60Z",
    "2016-12-31T23:59:60+09:00",
    "2026-11-20T10:00:00+24:00",
    "2026-11-20T10:00:00+01:60",
    "2026-11-20T10:00:00",
    "2026-11-20T10:00Z",
    "2026-11-20 10:00:00Z",
    "+002026-11-20T10:00:00Z",
    "yesterday",
    "",
  ])("refuses %j", (text) => {
    expect(readRfc3339(text)).toBeUndefined();
  });

  test("reads every instant as itself, and nothing that JavaScript can't read", () => {
    const seconds = {
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    };
    fc.assert(fc.property(fc.date(seconds), (at) => readRfc3339(at.toISOString()) === at.toISOString()));
    const part = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, "0"));
    const any = fc.tuple(part(13), part(32), part(25), part(61), part(61), fc.constantFrom("Z", "+09:00", "-23:59"));
    fc.assert(
      fc.property(any, ([month, day, hour, minute, second, zone]) => {
        const read = readRfc3339(`2024-${month}-${day}T${hour}:${minute}:${second}${zone}`);
        expect(read === undefined || !Number.isNaN(Date.parse(read))).toBe(true);
      }),
    );
  });
});
