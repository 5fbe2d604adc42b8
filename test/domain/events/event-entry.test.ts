import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readEvent } from "../../../shared/domain/events/event.ts";
import {
  checkEntry,
  type EventEntry,
  entryBytes,
  envelopeOf,
  eventOf,
  nestsDeeperThan,
  PutEventsEntry,
  readEntry,
} from "../../../shared/domain/events/event-entry.ts";
import { read } from "../../../shared/domain/text/schema.ts";

const now = new Date("2026-11-20T10:00:00.123Z");

function anEntry(fields: PutEventsEntry = {}): PutEventsEntry {
  return { Source: "shop", DetailType: "Order Placed", Detail: '{"order":1}', ...fields };
}

function accepted(entry: PutEventsEntry): EventEntry {
  const checked = readEntry(entry);
  if (!checked.ok) throw new Error(checked.errorMessage);
  return checked.value;
}

function refusalOf(entry: unknown): string | undefined {
  const checked = readEntry(entry);
  return checked.ok ? undefined : `${checked.errorCode}: ${checked.errorMessage}`;
}

function nested(levels: number): string {
  return `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
}

describe("an envelope", () => {
  test("has EventBridge's fields, and the time of acceptance in whole seconds where the entry has none", () => {
    const text = envelopeOf(accepted(anEntry({ Resources: ["arn:x"] })), { id: "id-1", now });
    expect(JSON.parse(text)).toEqual({
      version: "0",
      id: "id-1",
      "detail-type": "Order Placed",
      source: "shop",
      account: "000000000000",
      time: "2026-11-20T10:00:00Z",
      region: "local",
      resources: ["arn:x"],
      detail: { order: 1 },
    });
  });

  test.each(['{"n":12345678901234567890}', '{"b":1,"a":2}', ' { "é" : 1.0e2,\n"x":"\\ud800" } ', '{"a":1,"a":2}'])(
    "keeps the detail %j byte for byte",
    (detail) => {
      expect(envelopeOf(accepted(anEntry({ Detail: detail })), { id: "id-1", now })).toContain(`"detail":${detail}}`);
    },
  );

  test("is an event that the router reads, whatever its source, type, id and detail, and needn't read", () => {
    const name = (maxLength: number) =>
      fc.string({ unit: "binary", minLength: 1, maxLength }).filter((text) => text.length <= maxLength);
    const source = name(256).filter((text) => !text.startsWith("aws."));
    const detail = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue());
    const more = fc.record(
      {
        Time: fc.oneof(
          fc.integer({ min: 0, max: 4e9 }),
          fc.constantFrom("2026-11-20T10:00:00.5+01:00", "2026-11-20t10:00:00z"),
        ),
        Resources: fc.array(fc.string({ unit: "binary" })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(source, name(128), name(256), detail, more, (Source, DetailType, id, value, rest) => {
        const Detail = JSON.stringify(value);
        const entry = accepted({ Source, DetailType, Detail, ...rest });
        const text = envelopeOf(entry, { id, now });
        const event = readEvent(text);
        expect(event).toStrictEqual({ ok: true, value: eventOf(entry, { id, now }) });
        expect(event.ok && event.value).toMatchObject({ id, source: Source, "detail-type": DetailType });
        expect(JSON.parse(text).detail).toEqual(JSON.parse(Detail));
        expect(text).toContain(Detail);
      }),
    );
  });
});

/** EventBridge's words, and ours. */
const MALFORMED = "MalformedDetail: Detail is malformed. Expected the text of a JSON object, got";

describe("an entry", () => {
  test.each([
    [
      "no Source",
      { Source: undefined },
      "InvalidArgument: Parameter Source is not valid. Reason: Source is a required",
    ],
    ["an empty DetailType", { DetailType: "" }, "InvalidArgument: Parameter DetailType is not valid. Reason: DetailTy"],
    ["Detail null", { Detail: null }, "InvalidArgument: Parameter Detail is not valid. Reason: Detail is a required"],
    ["a long Source", { Source: "s".repeat(257) }, "InvalidArgument: Parameter Source is not valid. Reason: Source mu"],
    [
      "a long DetailType",
      { DetailType: "d".repeat(129) },
      "InvalidArgument: Parameter DetailType is not valid. Reason",
    ],
    ["AWS's own source", { Source: "aws.s3" }, "NotAuthorizedForSourceException: Not authorized for the source."],
    ["a cut-off Detail", { Detail: '{"a":' }, `${MALFORMED} text that is not JSON: Unexpected end of JSON input.`],
    ["an array as Detail", { Detail: "[1]" }, `${MALFORMED} an array.`],
    ["a text as Detail", { Detail: '"{}"' }, `${MALFORMED} a string.`],
    ["null as Detail", { Detail: "null" }, `${MALFORMED} null.`],
    ["half a surrogate pair", { Detail: '{"a":"\ud800"}' }, `${MALFORMED} half a surrogate pair in it.`],
    ["1,001 levels", { Detail: nested(1001) }, `${MALFORMED} more than 1000 levels.`],
    ["another bus", { EventBusName: "orders" }, "ResourceNotFoundException: Event bus orders does not exist."],
    ["milliseconds as Time", { Time: 1_795_000_000_000 }, "InvalidArgument: Parameter Time is not valid."],
    ["a Time of words", { Time: "yesterday" }, "InvalidArgument: Parameter Time is not valid."],
    [
      "a Time on the 30th of February",
      { Time: "2026-02-30T10:00:00Z" },
      "InvalidArgument: Parameter Time is not valid.",
    ],
    ["another bus and no Detail", { EventBusName: "orders", Detail: "" }, "InvalidArgument: Parameter Detail is not"],
    ["a Time out of range", { Time: 1e20 }, "InvalidArgument: Parameter Time is not valid."],
    ["a Time that is no text either", { Time: {} }, "SerializationException: Time: expected seconds since 1970-01-01"],
    ["a number as Source", { Source: 5 }, "SerializationException: Source: expected text, not a number"],
  ])("refuses %s", (_what, fields, refusal) => {
    expect(refusalOf({ ...anEntry(), ...fields })).toMatch(new RegExp(`^${refusal.replaceAll(".", "\\.")}`));
  });

  test.each([
    ["256 characters of Source", { Source: "s".repeat(256) }],
    ["128 characters of DetailType", { DetailType: "d".repeat(128) }],
    ["1,000 levels of Detail", { Detail: nested(1000) }],
    ["our bus by name", { EventBusName: "turnout" }],
    ["our bus by ARN", { EventBusName: "arn:aws:events:eu-central-1:123456789012:event-bus/default" }],
    ["a trace header", { TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793" }],
    ["metadata that the router will reject", { Detail: '{"metadata":{"customer":5}}' }],
  ])("may have %s", (_what, fields) => {
    expect(refusalOf(anEntry(fields))).toBeUndefined();
  });

  test.each([
    [1_795_168_800, "2026-11-20T10:00:00Z"],
    [1_795_168_800.999, "2026-11-20T10:00:00Z"],
    ["2026-11-20T11:00:00.123456+01:00", "2026-11-20T11:00:00.123456+01:00"],
  ])("an entry with Time %j happened at %s", (Time, time) => {
    expect(accepted(anEntry({ Time })).time).toBe(time);
  });

  test("may have the fields that its schema lets it have, and is refused in its words", () => {
    const names = [
      "Source",
      "DetailType",
      "Detail",
      "Time",
      "Resources",
      "EventBusName",
      "TraceHeader",
      "__proto__",
      "x",
    ];
    const value = fc.oneof(
      fc.constantFrom("a", "", null, undefined, 7, -0, Infinity, Number.NaN, true, {}, [], ["a"], ["a", 7], [null]),
      fc.jsonValue({ maxDepth: 1 }),
    );
    const anything = fc.oneof(value, fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 }));
    fc.assert(
      fc.property(anything, (fields) => {
        const isObject = typeof fields === "object" && fields !== null && !Array.isArray(fields);
        const entry = isObject ? { ...anEntry(), ...fields } : fields;
        const shape = read(PutEventsEntry, entry);
        const refused = { ok: false, errorCode: "SerializationException" };
        const wanted = shape.ok ? checkEntry(shape.value) : { ...refused, errorMessage: shape.problem };
        expect(readEntry(entry)).toStrictEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  test("is as large as EventBridge counts: 14 bytes for Time, UTF-8 for everything else", () => {
    expect(entryBytes({})).toBe(0);
    expect(entryBytes({ Source: "é", DetailType: "ab", Detail: "{}", Time: 0, Resources: ["abc", "€"] })).toBe(26);
  });
});

test("brackets inside strings are no nesting", () => {
  expect(nestsDeeperThan('{"a":"[[[\\"[[["}', 1)).toBe(false);
  expect(nestsDeeperThan('{"a":[[],[],[]]}', 3)).toBe(false);
  expect(nestsDeeperThan('{"a":[[],[],[]]}', 2)).toBe(true);
});
