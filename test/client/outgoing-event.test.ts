import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Common,
  type OutgoingEvent,
  type PreparedEvent,
  prepareEvent,
} from "../../shared/client/outgoing-event.ts";
import { MAX_EVENT_BYTES } from "../../shared/domain/events/event.ts";
import { entryBytes, envelopeOf, readEntry } from "../../shared/domain/events/event-entry.ts";

const newKey = () => "drawn-key";

function anEvent(fields: object = {}): OutgoingEvent {
  return { detailType: "order placed", detail: { order: 1 }, ...fields } as OutgoingEvent;
}

function prepared(event: OutgoingEvent, common: Partial<Common> = {}): PreparedEvent {
  const result = prepareEvent(event, { source: "shop", ...common }, newKey);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}

function detailOf(event: OutgoingEvent, common: Partial<Common> = {}): unknown {
  return JSON.parse(prepared(event, common).entry.Detail ?? "");
}

function refusalOf(event: OutgoingEvent, common: Partial<Common> = {}): string | undefined {
  const result = prepareEvent(event, { source: "shop", ...common }, newKey);
  return result.ok ? undefined : `${result.code}: ${result.problem}`;
}

/** An event that has exactly so many bytes in the envelope. */
function anEventOf(bytes: number): OutgoingEvent {
  const empty = anEvent({ detail: { text: "" }, idempotencyKey: "k" });
  const entry = readEntry({ Source: "shop", DetailType: "order placed", Detail: prepared(empty).entry.Detail });
  if (!entry.ok) throw new Error(entry.errorMessage);
  const id = "00000000-0000-0000-0000-000000000000";
  // The longest region's name instead of "local", and a little more.
  const frame = Buffer.byteLength(envelopeOf(entry.value, { id, now: new Date(0) })) + 16;
  return anEvent({ detail: { text: "x".repeat(bytes - frame) }, idempotencyKey: "k" });
}

describe("an entry", () => {
  test("says what the event says, and what the publisher says of all", () => {
    const time = new Date("2026-11-20T10:00:00.000Z");
    const event = anEvent({ time, resources: ["arn:x"] });
    expect(prepared(event, { eventBusName: "orders" })).toEqual({
      entry: {
        Source: "shop",
        DetailType: "order placed",
        Detail: '{"order":1,"metadata":{"idempotencyKey":"drawn-key"}}',
        Time: time,
        Resources: ["arn:x"],
        EventBusName: "orders",
      },
      bytes: 4 + 12 + 53 + 14 + 5,
      idempotencyKey: "drawn-key",
    });
  });

  test("has the size that the bus counts", () => {
    const { entry, bytes } = prepared(anEvent({ detail: { text: "é😀" } }));
    expect(bytes).toBe(entryBytes({ ...entry, Time: null }));
  });

  test("stands still when the caller's event goes on changing", () => {
    const event = { ...anEvent(), resources: ["arn:x"], time: new Date(0) };
    const { entry } = prepared(event);
    event.resources.push("arn:y");
    event.time.setTime(1);
    expect(entry).toMatchObject({ Resources: ["arn:x"], Time: new Date(0) });
  });
});

describe("metadata", () => {
  const subject = { project: "acme/site", customer: "acme", plan: "paid", user: "u-1" };

  test("is made of key, subject, flow and trace of the event", () => {
    const event = anEvent({ idempotencyKey: "k", subject, flow: "f", traceparent: "t" });
    expect(detailOf(event, { flow: "other", traceparent: "other" })).toEqual({
      order: 1,
      metadata: { idempotencyKey: "k", ...subject, flow: "f", traceparent: "t" },
    });
  });

  test("names the replay in whose course it is published, where there is one", () => {
    expect(detailOf(anEvent({ idempotencyKey: "k", replay: "undo-1" }), {})).toMatchObject({
      metadata: { replay: "undo-1" },
    });
    expect(detailOf(anEvent({ idempotencyKey: "k", replay: null }), {})).toMatchObject({
      metadata: { idempotencyKey: "k" },
    });
  });

  test("has the publisher's flow and trace where the event has none", () => {
    expect(detailOf(anEvent(), { flow: "f", traceparent: "t" })).toEqual({
      order: 1,
      metadata: { idempotencyKey: "drawn-key", flow: "f", traceparent: "t" },
    });
  });

  test("metadata that the detail has stays, in its place and with everything in it", () => {
    const metadata = { team: "checkout", idempotencyKey: "k", flow: "f", nested: { a: null } };
    const event = anEvent({ detail: { metadata, order: 1 }, subject: { customer: "acme" } });
    expect(prepared(event, { flow: "g", traceparent: "t" }).entry.Detail).toBe(
      '{"metadata":{"team":"checkout","idempotencyKey":"k","flow":"f","nested":{"a":null},"customer":"acme",' +
        '"traceparent":"t"},"order":1}',
    );
    expect(metadata).toEqual({ team: "checkout", idempotencyKey: "k", flow: "f", nested: { a: null } });
  });

  test("metadata that is null counts as not said, and what both say is said once", () => {
    const metadata = { idempotencyKey: null, customer: "acme" };
    const event = anEvent({ detail: { metadata }, subject: { customer: "acme" } });
    expect(detailOf(event)).toEqual({ metadata: { idempotencyKey: "drawn-key", customer: "acme" } });
  });

  test.each([
    [{ customer: "globex" }, "customer is 'acme', but detail.metadata.customer 'globex'"],
    [{ plan: "x".repeat(1_025) }, "detail.metadata.plan: a subject id has at most 1024 bytes"],
    [{ idempotencyKey: "" }, "detail.metadata.idempotencyKey: can't be empty"],
    [{ user: 7 }, "detail.metadata.user: expected text, not a number"],
    ["free text", "detail.metadata: expected an object, to put the idempotency key into"],
    [["a"], "detail.metadata: expected an object, to put the idempotency key into"],
  ])("refuses %j", (metadata, problem) => {
    const event = anEvent({ detail: { metadata }, subject: { customer: "acme" } });
    expect(refusalOf(event)).toBe(`InvalidMetadata: ${problem}`);
  });

  test("changes no other field of whatever detail there is", () => {
    const detail = fc.dictionary(
      fc.string().filter((key) => key !== "metadata" && key !== "toJSON"),
      fc.jsonValue(),
      { noNullPrototype: false },
    );
    fc.assert(
      fc.property(detail, (said) => {
        const { metadata, ...rest } = detailOf(anEvent({ detail: said })) as Record<string, unknown>;
        expect(JSON.stringify(rest)).toBe(JSON.stringify(said));
        expect(metadata).toEqual({ idempotencyKey: "drawn-key" });
      }),
    );
  });
});

describe("a detail", () => {
  test("is what JSON makes of the object", () => {
    const order = { id: 1, toJSON: () => ({ order: 1, at: new Date(0), secret: undefined }) };
    expect(prepared(anEvent({ detail: order })).entry.Detail).toBe(
      '{"order":1,"at":"1970-01-01T00:00:00.000Z","metadata":{"idempotencyKey":"drawn-key"}}',
    );
  });

  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const nested = (levels: number) => JSON.parse(`{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`) as object;

  test.each([
    ["no detail", undefined, /^MalformedDetail: detail: expected an object$/],
    ["null", null, /^MalformedDetail: detail: expected an object$/],
    ["text", '{"order":1}', /^MalformedDetail: detail: expected an object$/],
    ["an array", [1], /^MalformedDetail: detail: expected an object$/],
    ["a date", new Date(0), /^MalformedDetail: detail: expected an object$/],
    ["a cycle", cycle, /^MalformedDetail: detail: can't be written as JSON: Converting circular structure to JSON$/],
    ["a BigInt", { n: 1n }, /^MalformedDetail: detail: can't be written as JSON: .*BigInt/],
    [
      "more than 1,000 levels",
      nested(1_001),
      /^MalformedDetail: Detail is malformed\. Expected .* got more than 1000 levels\.$/,
    ],
    ["far more levels", nested(100_000), /^MalformedDetail: detail: can't be written as JSON: Maximum call stack/],
  ])("is refused when it is %s", (_, detail, problem) => {
    expect(refusalOf(anEvent({ detail }))).toMatch(problem);
  });

  test("may have 1,000 levels", () => {
    expect(refusalOf(anEvent({ detail: nested(1_000) }))).toBeUndefined();
  });
});

describe("an event", () => {
  test.each([
    ["no detail-type", { detailType: undefined }, /^InvalidArgument: .*DetailType is a required argument/],
    ["an empty detail-type", { detailType: "" }, /^InvalidArgument: .*DetailType is a required argument/],
    ["129 characters of it", { detailType: "x".repeat(129) }, /^InvalidArgument: .*less than or equal to 128/],
    ["a number there", { detailType: 7 }, /^SerializationException: DetailType: expected text, not a number$/],
    ["resources that are none", { resources: "arn:x" }, /^SerializationException: Resources: expected a list/],
    ["a time that is none", { time: new Date("soon") }, /^InvalidArgument: time: expected a valid Date$/],
    ["a time that is text", { time: "2026-11-20T10:00:00Z" }, /^InvalidArgument: time: expected a valid Date$/],
  ])("is refused with %s", (_, fields, problem) => {
    expect(refusalOf(anEvent(fields))).toMatch(problem);
  });

  test.each([null, undefined, 7, "text"])("is refused when it is %j", (event) => {
    expect(refusalOf(event as unknown as OutgoingEvent)).toBe(
      "SerializationException: expected an object with detailType and detail",
    );
  });

  test("may have exactly 1,048,576 bytes with its envelope", () => {
    expect(refusalOf(anEventOf(MAX_EVENT_BYTES))).toBeUndefined();
    expect(refusalOf(anEventOf(MAX_EVENT_BYTES + 1))).toBe(
      "EventTooLarge: it has 1048577 bytes in its envelope, and may have 1048576",
    );
  });

  test("is measured in bytes as they are sent, not in characters", () => {
    const text = (character: string) => anEvent({ detail: { text: character.repeat(MAX_EVENT_BYTES / 2) } });
    expect(refusalOf(text("x"))).toBeUndefined();
    expect(refusalOf(text("é"))).toMatch(/^EventTooLarge/);
    expect(refusalOf(text('"'))).toMatch(/^EventTooLarge/);
  });
});
