import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRevisions, revisionRanges } from "../../../shared/domain/routing/revision-ranges.ts";
import { readCsv } from "../../../shared/domain/text/csv.ts";
import { durationText, readDurationMs } from "../../../shared/domain/text/duration.ts";
import { differences } from "../../../shared/domain/text/json-differences.ts";
import { splitJson } from "../../../shared/domain/text/json-items.ts";
import { readTime, timeWindow } from "../../../shared/domain/text/time-window.ts";

describe("a duration", () => {
  it.each([
    ["15m", 900_000],
    ["1h30m", 5_400_000],
    ["250ms", 250],
    ["2w", 1_209_600_000],
  ])("is read from %s", (text, durationMs) => {
    expect(readDurationMs(text)).toEqual({ ok: true, value: durationMs });
  });

  it.each(["", "15", "m", "1.5h", "-3d", "0s", "15M", "36526d", `${"9".repeat(400)}s`, "3d "])(
    "is refused in %j",
    (text) => {
      expect(readDurationMs(text).ok).toBe(false);
    },
  );
});

describe("a time", () => {
  it.each([
    ["2026-11-20", "2026-11-20T00:00:00.000Z"],
    ["2026-11-20T10:00", "2026-11-20T10:00:00.000Z"],
    ["2026-11-20 10:00:05.5", "2026-11-20T10:00:05.500Z"],
    ["2026-11-20T10:00+02:00", "2026-11-20T08:00:00.000Z"],
    ["2026-11-20t10:00z", "2026-11-20T10:00:00.000Z"],
  ])("is read from %s, in UTC unless it says otherwise", (text, instant) => {
    expect(readTime(text)).toEqual({ ok: true, value: new Date(instant) });
  });

  it.each(["", "now", "2026-02-30", "2026-11-20T24:01", "20/11/2026", "2026-11-20T10"])("is refused in %j", (text) => {
    expect(readTime(text).ok).toBe(false);
  });
});

describe("a time window", () => {
  const now = new Date("2026-11-20T10:00:00.000Z");
  const ends = (hour: number) => new Date(Date.UTC(2026, 10, 20, hour));

  it("is the last 15 minutes unless something is said, this millisecond included", () => {
    const to = new Date(now.getTime() + 1);
    expect(timeWindow({}, now)).toEqual({ ok: true, value: { from: new Date(to.getTime() - 900_000), to } });
  });

  it("begins so long before its end", () => {
    const window = { from: ends(7), to: ends(8) };
    expect(timeWindow({ sinceMs: 3_600_000, to: ends(8) }, now)).toEqual({ ok: true, value: window });
  });

  it.each([{ from: ends(11) }, { from: ends(8), to: ends(8) }])("is refused: %j", (stated) => {
    expect(timeWindow(stated, now).ok).toBe(false);
  });
});

describe("JSON values in a text", () => {
  const texts = (text: string) => {
    const items = splitJson(text);
    return items.ok ? items.value.map(({ where, text }) => `${where}: ${text}`) : items.problem;
  };

  it.each([
    [' {"a": 1.0} ', [': {"a": 1.0}']],
    ['[{"a": "],\\"["}, [1,2] ,3]', ['item 1: {"a": "],\\"["}', "item 2: [1,2]", "item 3: 3"]],
    ['{"a":1}\r\n\n{"b":2}\n', ['line 1: {"a":1}', 'line 3: {"b":2}']],
    ['oops\n{"b":2}', ["line 1: oops", 'line 2: {"b":2}']],
    ['\uFEFF{"a":1}\n{"b":2}', ['line 1: {"a":1}', 'line 2: {"b":2}']],
    ['{\n  "a": 1\n}', [': {\n  "a": 1\n}']],
    ['"\\\\"', [': "\\\\"']],
  ])("are split with their own texts: %j", (text, items) => {
    expect(texts(text)).toEqual(items);
  });

  it.each([
    ["", "is empty"],
    ["\uFEFF \n", "is empty"],
    ["[]", "is an empty array"],
    ['[{"a":1},', "not JSON"],
    ['\n{\n  "a": 1\n', "line 3"],
    ['[\n{"a":1},\n{"a":}\n]', "Unexpected token '}'"],
  ])("are refused: %j", (text, problem) => {
    expect(texts(text)).toContain(problem);
  });

  it("are found in an array that is nested deeper than a stack is", () => {
    expect(texts(`[${"[".repeat(100_000)}${"]".repeat(100_000)}]`)).toHaveLength(1);
  });
});

describe("CSV", () => {
  const cells = (text: string) => {
    return readCsv(text).map(({ line, cells }) => [line, ...cells.map((cell) => cell.text)]);
  };

  it.each([
    [
      "a,b\nc,d",
      [
        [1, "a", "b"],
        [2, "c", "d"],
      ],
    ],
    [
      "\uFEFFa,b\r\n\r\nc,\r\n",
      [
        [1, "a", "b"],
        [3, "c", ""],
      ],
    ],
    [
      '"a,""b""","c d"\ne, f',
      [
        [1, 'a,"b"', "c d"],
        [2, "e", " f"],
      ],
    ],
    ["", []],
    ['""', []],
    [",", [[1, "", ""]]],
  ])("is read as RFC 4180 has it: %j", (text, records) => {
    expect(cells(text)).toEqual(records);
  });

  it.each([
    ['a\n"b\nc', 2, "a quote that is never closed"],
    ['a\n"a"b\nc', 2, "text after a closing quote"],
    ['a\na"b\nc', 2, "a quote inside a cell"],
    ['a\n"b\nc"', 2, "a quote that is never closed"],
  ])("says what is wrong with a line, and reads the others: %j", (text, line, problem) => {
    const [first, bad, last] = readCsv(text);
    expect(first).toMatchObject({ line: 1, cells: [{ text: "a" }] });
    expect(bad).toMatchObject({ line, problem: expect.stringContaining(problem) });
    expect(last?.line).toBe(3);
  });
});

describe("differences of JSON values", () => {
  it("are told by their paths, whatever the order of fields", () => {
    expect(differences({ a: { x: 1, y: [1] }, b: 2 }, { b: 2, a: { y: [1, 2], x: 1 }, constructor: 3 })).toEqual([
      { path: "a.y", before: [1], after: [1, 2] },
      { path: "constructor", after: 3 },
    ]);
  });
});

describe("revisions", () => {
  it("are written as ranges and read back", () => {
    const ranges = revisionRanges([42, 43, 44, 47]);
    expect(ranges).toEqual(["42..44", "47"]);
    expect(ranges.map(readRevisions)).toEqual([
      { ok: true, value: [42, 43, 44] },
      { ok: true, value: [47] },
    ]);
  });

  it.each(["", "0", "x", "3..2", "1..", "-1", "1..999999999", "1e3"])("are refused in %j", (text) => {
    expect(readRevisions(text).ok).toBe(false);
  });
});

it("a duration is told as it is read", () => {
  expect([0, 1, 5_400_000, 259_200_000].map(durationText)).toEqual(["0s", "1ms", "1h30m", "3d"]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (durationMs) => {
      expect(readDurationMs(durationText(durationMs))).toEqual({ ok: true, value: durationMs });
    }),
  );
});
