import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  deliveryKeyOf,
  eventKeyIn,
  eventKeyOf,
  payloadHashOf,
} from "../../../shared/domain/deliveries/delivery-key.ts";
import { readEvent } from "../../../shared/domain/events/event.ts";
import { canonical, mayHaveEscapes } from "../../../shared/domain/text/canonical-json.ts";
import { anEvent, bodyOf } from "../../support/builders.ts";

describe("eventKeyOf", () => {
  // Golden: another value here makes every event of the last weeks look new.
  it.each([
    ["shop", "order placed", "order-1", "36eec38f7bb1d71d385920446c1997e146a4897b75a899ee083a2c3f990fd21b"],
    ["github.com", "push", "Ærø ☕", "32bebe135439274f46903cc10d03f30f5b400b31b44b842b1249cbfba9ab6301"],
  ])("eventKeyOf of %j, %j and %j stays what it is", (source, detailType, idempotencyKey, key) => {
    expect(eventKeyOf(source, detailType, idempotencyKey)).toBe(key);
  });

  it("is another one whenever source, detail-type or idempotency key is another one", () => {
    // Pieces that would run together if they were simply put side by side.
    const part = fc.string({ unit: fc.constantFrom("a", "#", '"', ",", "\\", "\0", "\ud83d", "\udc4d"), maxLength: 4 });
    const parts = fc.tuple(part, part, part);
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(eventKeyOf(...a) === eventKeyOf(...b)).toBe(a.every((text, index) => text === b[index]));
      }),
    );
  });
});

describe("deliveryKeyOf", () => {
  it("is component # event key # generation, and the event key can be read from it", () => {
    const eventKey = eventKeyOf("shop", "order placed", "order-1");
    expect(deliveryKeyOf("mailer", eventKey, "live")).toBe(`mailer#${eventKey}#live`);
    expect(eventKeyIn(deliveryKeyOf("mailer", eventKey, "replay#7"))).toBe(eventKey);
  });
});

describe("canonical", () => {
  it.each([
    ["{}", "{}"],
    ['{ "b": 1, "a": [ ] }', '{"a":[],"b":1}'],
    ['{"10":1,"9":2}', '{"10":1,"9":2}'],
    ['{"\\ud83d\\ude00":1,"\\ufb33":2}', '{"\u{1f600}":1,"\ufb33":2}'],
    ['["\\u0061", "\\n", "\\/", "\\ud83d"]', '["a","\\n","/","\\ud83d"]'],
    ["[1.0, 1e2, -0, 0.1, 1E21]", "[1,100,0,0.1,1e+21]"],
    ['[null, true, false, "x"]', '[null,true,false,"x"]'],
    ['{"__proto__":{"b":1,"a":2},"constructor":1}', '{"__proto__":{"a":2,"b":1},"constructor":1}'],
  ])("canonical of %s is %s", (text, expected) => {
    expect(canonical(JSON.parse(text))).toBe(expected);
  });

  it("is JSON for the same value", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(canonical(JSON.parse(text)))).toEqual(JSON.parse(text, withoutMinusZero));
      }),
    );
  });

  it("has its keys in the same order, however many there are", () => {
    const keys = fc.uniqueArray(fc.string({ unit: "binary", maxLength: 3 }), { maxLength: 40, size: "max" });
    fc.assert(
      fc.property(keys, (names) => {
        const canonically = canonical(Object.fromEntries(names.map((name) => [name, 1])));
        expect(canonically).toBe(`{${names.toSorted().map((name) => `${JSON.stringify(name)}:1`)}}`);
      }),
    );
  });

  it("needs no escapes where the JSON that it was read from can't have any", () => {
    const texts = fc.string({
      unit: fc.constantFrom("a", "ü", "👍", "\ud83d", "\udc4d", "\n", "\x7f", '"', "\\", "/"),
    });
    let plain = 0;
    fc.assert(
      fc.property(fc.dictionary(texts, fc.oneof(texts, fc.array(texts)), { maxKeys: 3 }), fc.boolean(), (said, raw) => {
        // Halves of surrogate pairs may also stand in a text as they are.
        const json = raw
          ? JSON.stringify(said).replaceAll(/\\u(d[89a-f]..)/g, (_, unit) => String.fromCharCode(parseInt(unit, 16)))
          : JSON.stringify(said);
        const value = JSON.parse(json);
        if (!mayHaveEscapes(json)) plain += 1;
        expect(canonical(value, mayHaveEscapes(json))).toBe(canonical(value));
      }),
      { numRuns: 500 },
    );
    expect(plain).toBeGreaterThan(0);
  });

  it("is the same for every order of keys, and for nothing else", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
        expect(canonical(keysReversed(a))).toBe(canonical(a));
        expect(canonical(a) === canonical(b)).toBe(JSON.stringify(keysSorted(a)) === JSON.stringify(keysSorted(b)));
      }),
    );
  });
});

describe("payloadHashOf", () => {
  const hashOf = (body: string): string => {
    const event = readEvent(body);
    if (!event.ok) throw new Error(event.problem);
    return payloadHashOf(event.value, body);
  };
  const withDetail = (detail: string, id = "event-1") =>
    bodyOf(anEvent({ id })).replace('"detail":{}', `"detail":${detail}`);
  const hashOfDetail = (detail: string, id?: string) => hashOf(withDetail(detail, id));

  // Golden: another value here turns every retry of an event that is under way into a mismatch.
  it("payloadHashOf of an order stays what it is", () => {
    const detail = {
      total: 1200,
      lines: [
        { sku: "b", count: 2 },
        { sku: "a", count: 1.5 },
      ],
    };
    expect(hashOf(bodyOf(anEvent({ detail })))).toBe(
      "65f20040184f8e576f0d7223a88110d76d2c5890514820176fd6db8130aa3291",
    );
  });

  const order = { total: 1200, lines: [{ sku: "b", count: 2 }], shop: { id: 7, name: "Ærø" } };
  const first = bodyOf(anEvent({ detail: order, idempotencyKey: "order-1", customer: "acme" }));

  it.each([
    ["another id", bodyOf(anEvent({ id: "event-2", detail: order }))],
    ["an id of many digits", bodyOf(anEvent({ id: "12345678901234567890", detail: order }))],
    ["another time", bodyOf(anEvent({ time: "2026-11-20T10:05:00.123Z", detail: order }))],
    ["other metadata", bodyOf(anEvent({ detail: order, customer: "globex", metadata: { retry: 2 } }))],
    [
      "another order of keys",
      bodyOf(anEvent({ detail: { shop: { name: "Ærø", id: 7 }, lines: order.lines, total: 1200 } })),
    ],
    ["other spacing", JSON.stringify(anEvent({ detail: order }), null, 2)],
    ["other escapes", first.replace("Æ", "\\u00c6")],
    ["numbers written otherwise", first.replace("1200", "1.2e3").replace(":7,", ":7.00,")],
  ])("is the same for a retry with %s", (_what, retry) => {
    expect(hashOf(retry)).toBe(hashOf(first));
  });

  it.each([
    ["another source", bodyOf(anEvent({ detail: order, source: "shop.eu" }))],
    ["another detail-type", bodyOf(anEvent({ detail: order, detailType: "order paid" }))],
    ["a detail-type that runs on from the source", bodyOf(anEvent({ detail: order, source: 'shop","order placed' }))],
    ["another value", first.replace("1200", "1201")],
    ["a value of another type", first.replace("1200", '"1200"')],
    ["one field more", bodyOf(anEvent({ detail: { ...order, note: null } }))],
    ["one field less", bodyOf(anEvent({ detail: { total: 1200 } }))],
    ["another order in a list", first.replace('[{"sku":"b","count":2}]', '[{"count":2},{"sku":"b"}]')],
    ["metadata further down", bodyOf(anEvent({ detail: { ...order, shop: { ...order.shop, metadata: {} } } }))],
  ])("differs for %s", (_what, other) => {
    expect(hashOf(other)).not.toBe(hashOf(first));
  });

  it.each([
    ["12345678901234567890", "12345678901234567891"],
    ["0.1234567890123456789", "0.1234567890123456788"],
    ["-12345678901234567890", "12345678901234567890"],
    ["9007199254740993", "9007199254740992"],
    ["1e400", "2e400"],
    ["1e400", "null"],
    ["1e-400", "0"],
    ["5e-324", "4e-324"],
    ["1e99999999999999999998", "1e99999999999999999999"],
    ["1e9007199254740993", "1e9007199254740992"],
  ])("tells %s from %s", (a, b) => {
    expect(hashOfDetail(`{"n":${a}}`)).not.toBe(hashOfDetail(`{"n":${b}}`));
    expect(hashOfDetail(`{"n": [0, ${a} ]}`)).not.toBe(hashOfDetail(`{"n":[0,${b}]}`));
  });

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("sees a field named %s", (key) => {
    const hashes = ["{}", `{"${key}":1}`, `{"${key}":{"a":1}}`, `{"a":{"${key}":1}}`, `{"a":{"${key}":2}}`];
    expect(new Set(hashes.map((detail) => hashOfDetail(detail))).size).toBe(hashes.length);
  });

  it("is equal exactly for equal numbers, however they are written and whatever the id is", () => {
    const digits = (maxLength: number) => fc.string({ unit: fc.constantFrom(..."0019"), minLength: 1, maxLength });
    const number = fc
      .record({
        sign: fc.constantFrom("", "-"),
        whole: fc.oneof(
          fc.constantFrom("0", "1", "10"),
          digits(20).map((text) => text.replace(/^0+(?=.)/, "")),
        ),
        fraction: fc.oneof(
          fc.constant(""),
          digits(20).map((text) => `.${text}`),
        ),
        exponent: fc.constantFrom("", "e0", "E1", "e+2", "e-1", "e-7", "e22", "e-300", "e310", "e-0330"),
      })
      .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent);
    const id = fc.constantFrom("event-1", "12345678901234567890");
    fc.assert(
      fc.property(number, number, id, id, (a, b, idA, idB) => {
        const same = exactly(a) === exactly(b);
        expect(hashOfDetail(`{"n":${a}}`, idA) === hashOfDetail(`{"n":${b}}`, idB)).toBe(same);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is equal for the same number with zeros put around it", () => {
    const number = fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 20n }), fc.integer({ min: -340, max: 340 }));
    fc.assert(
      fc.property(number, fc.nat(20), ([digits, power], zeros) => {
        const padded = `${digits}${"0".repeat(zeros)}e${power - zeros}`;
        expect(hashOfDetail(`{"n":${padded}}`)).toBe(hashOfDetail(`{"n":${digits}e${power}}`));
      }),
    );
  });

  it("is had in a moment for a number of half a million zeros", () => {
    expect(hashOfDetail(`{"n":0.${"0".repeat(500_000)}1}`)).not.toBe(hashOfDetail('{"n":0}'));
  });
});

function withoutMinusZero(_key: string, value: unknown): unknown {
  return value === 0 ? 0 : value;
}

function keysReversed(value: unknown): unknown {
  return reordered(value, (keys) => keys.reverse());
}

function keysSorted(value: unknown): unknown {
  return reordered(value, (keys) => keys.sort());
}

function reordered(value: unknown, order: (keys: string[]) => string[]): unknown {
  if (Array.isArray(value)) return value.map((inner) => reordered(inner, order));
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, unknown>;
  return Object.fromEntries(order(Object.keys(object)).map((key) => [key, reordered(object[key], order)]));
}

/** A JSON number as a fraction of whole numbers in text, the same for the same value. */
function exactly(source: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e(.+))?$/i.exec(source) ?? [];
  let digits = BigInt(whole + fraction);
  let power = Number(exponent) - fraction.length;
  if (digits === 0n) return "0";
  for (; digits % 10n === 0n; power++) digits /= 10n;
  return `${sign}${digits}e${power}`;
}
