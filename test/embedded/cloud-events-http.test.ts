import { CloudEvent, emitterFor, HTTP, httpTransport } from "cloudevents";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { acceptBinaryCloudEvent, acceptCloudEventBatch } from "../../scripts/embedded/cloud-events-http.ts";
import { readEvent } from "../../shared/domain/events/event.ts";
import { NOW, type OpenDoor, openFrontDoor, rawExchange } from "../support/front-door.ts";

type Body = NonNullable<RequestInit["body"]>;

const required = { specversion: "1.0", id: "e-1", source: "/shop", type: "com.shop.order" };

async function post(door: OpenDoor, body: object | string, headers: Record<string, string> = {}) {
  const response = await fetch(`${door.url}/events`, {
    method: "POST",
    headers: { "content-type": "application/cloudevents+json; charset=utf-8", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

describe("a CloudEvent in structured mode", () => {
  test("is stored under its own id, as the CloudEvents SDK sends it", async () => {
    const door = await openFrontDoor();
    const message = HTTP.structured(
      new CloudEvent({ ...required, time: "2026-11-20T09:00:00.500Z", subject: "orders/7", data: { order: 7 } }),
    );
    const response = await fetch(door.url, {
      method: "POST",
      headers: message.headers as Record<string, string>,
      body: message.body as string,
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ eventId: "e-1" });
    expect(readEvent(door.bodies()[0] ?? "")).toMatchObject({
      ok: true,
      value: {
        id: "e-1",
        source: "/shop",
        "detail-type": "com.shop.order",
        time: "2026-11-20T09:00:00.500Z",
        resources: ["orders/7"],
        detail: { order: 7 },
      },
    });
  });

  test("keeps every digit of its numbers, and the order of its keys", async () => {
    const door = await openFrontDoor();
    const data = '{"n":12345678901234567890,"b":1.0,"a":1e400,"z":-0,"__proto__":{"x":1}}';
    await post(door, `{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","data":${data}}`);
    expect(door.bodies()[0]).toContain(`"detail":${data}}`);
  });

  test("keeps every digit of a number that is all of its data", async () => {
    const door = await openFrontDoor();
    await post(door, '{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","data":12345678901234567890}');
    expect(door.bodies()[0]).toContain('"detail":{"data":12345678901234567890}}');
  });

  test("a CloudEvent in structured mode without a time happened when it was accepted", async () => {
    const door = await openFrontDoor();
    expect(await post(door, { ...required, time: null, data: null })).toMatchObject({ status: 202 });
    expect(JSON.parse(door.bodies()[0] ?? "")).toMatchObject({
      time: "2026-11-20T10:00:00.123Z",
      detail: { data: null },
    });
  });

  test("takes extensions of every type, and a leap second", async () => {
    const door = await openFrontDoor();
    const extensions = { a: true, b: -(2 ** 31), c: 2 ** 31 - 1, d: "", e: null, time: "2016-12-31T23:59:60Z" };
    expect(await post(door, { ...required, ...extensions })).toMatchObject({ status: 202 });
    expect(JSON.parse(door.bodies()[0] ?? "").time).toBe("2017-01-01T00:00:00Z");
  });

  test("refuses an extension that is written as a fraction", async () => {
    const door = await openFrontDoor();
    const text = '{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","other":1.0}';
    expect(await post(door, text)).toMatchObject({ status: 400, body: { error: expect.stringMatching(/^other: /) } });
  });

  test.each([
    ["no id", { id: undefined }, /^id: /],
    ["an empty source", { source: "" }, /^source: /],
    ["no type", { type: undefined }, /^type: /],
    ["another version", { specversion: "0.3" }, /^specversion: /],
    ["a source of AWS's own", { source: "aws.s3" }, /^source: /],
    ["a source that is no URI", { source: "a b" }, /^source: /],
    ["a time of words", { time: "noon" }, /^time: /],
    ["an empty subject", { subject: "" }, /^subject: /],
    ["an attribute with capitals", { orderId: "7" }, /orderId/],
    ["wrong base64", { data_base64: "%%" }, /^data_base64: /],
    ["data twice", { data: 1, data_base64: "Zm8=" }, /^data_base64: /],
    ["a customer that isn't text", { customer: [] }, /^customer: expected text, a boolean or an integer of 32 bits$/],
    ["an extension that is an object", { other: {} }, /^other: expected text/],
    ["an extension that is a fraction", { other: 1.5 }, /^other: expected text/],
    ["an extension of more than 32 bits", { other: 2 ** 31 }, /^other: expected text/],
    ["an extension with half a surrogate pair", { other: "\ud800" }, /^other: may not have/],
    ["an id with a control character", { id: "a\nb" }, /^id: may not have/],
    ["the 30th of February", { time: "2026-02-30T10:00:00Z" }, /^time: /],
  ])("refuses %s by naming the attribute", async (_what, fields, error) => {
    const door = await openFrontDoor();
    expect(await post(door, { ...required, ...fields })).toEqual({
      status: 400,
      body: { error: expect.stringMatching(error) },
    });
    expect(door.sends).toEqual([]);
  });

  test.each([
    ["what isn't JSON", "{", /^not JSON: /],
    ["a list", "[]", /expected an object/],
    ["data nested a hundred thousand levels deep", `{"data":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, /^data: nested/],
  ])("refuses %s", async (_what, body, error) => {
    const door = await openFrontDoor();
    expect(await post(door, body)).toEqual({ status: 400, body: { error: expect.stringMatching(error) } });
  });

  test("refuses an event over 1,048,576 bytes", async () => {
    const door = await openFrontDoor();
    expect(await post(door, { ...required, data: "x".repeat(1_048_576) })).toMatchObject({ status: 413 });
    expect(await post(door, { ...required, data: "x".repeat(1_200_000) })).toMatchObject({ status: 413 });
    expect(await post(door, { ...required, data: "x".repeat(1_048_000) })).toMatchObject({ status: 202 });
  });

  test("fails with the queue's words when it can't be stored", async () => {
    const door = await openFrontDoor({ queue: { send: () => Promise.reject(new Error("disk full")) } });
    expect(await post(door, required)).toEqual({
      status: 500,
      body: { error: "The event could not be stored: disk full. Ask 'turnout doctor' what is wrong. Send it again." },
    });
  });
});

describe("a CloudEvent in binary mode", () => {
  const headers = { "ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "/shop", "ce-type": "com.shop.order" };

  async function postBinary(door: OpenDoor, body: Body | null, more: Record<string, string> = {}) {
    const response = await fetch(door.url, { method: "POST", headers: { ...headers, ...more }, body });
    return { status: response.status, body: await response.json() };
  }

  const JSON_TYPE = { "content-type": "application/json" };

  test("is stored as the CloudEvents SDK's emitter sends it", async () => {
    const door = await openFrontDoor();
    const extensions = { customer: "acme", idempotencykey: "order-7" };
    const event = new CloudEvent({ ...required, subject: "orders/7", data: { order: 7, é: "💥" }, ...extensions });
    await emitterFor(httpTransport(door.url))(event);
    expect(JSON.parse(door.bodies()[0] ?? "")).toMatchObject({
      id: "e-1",
      source: "/shop",
      "detail-type": "com.shop.order",
      resources: ["orders/7"],
      time: event.time,
      detail: { order: 7, é: "💥", metadata: { customer: "acme", idempotencyKey: "order-7" } },
    });
  });

  test.each<[string, Body | null, Record<string, string>, string]>([
    ["JSON, digit by digit", '{"b":12345678901234567890,"a":1.0}', JSON_TYPE, '{"b":12345678901234567890,"a":1.0}'],
    ["a JSON value that is no object", "1e400", JSON_TYPE, '{"data":1e400}'],
    ["JSON of a type made of it", '{"a":1}', { "content-type": "application/problem+json; charset=UTF-8" }, '{"a":1}'],
    ["text", "caf\u00e9", { "content-type": "text/plain" }, '{"data":"caf\u00e9"}'],
    ["XML", "<a/>", { "content-type": "application/soap+xml" }, '{"data":"<a/>"}'],
    ["bytes", Uint8Array.of(0, 255), { "content-type": "image/png; charset=binary" }, '{"data_base64":"AP8="}'],
    ["JSON that nothing is said of", Uint8Array.from(Buffer.from('{"a":1}')), {}, '{"a":1}'],
    ["nothing", null, {}, "{}"],
    ["nothing as JSON", "", JSON_TYPE, "{}"],
  ])("brings %s as its data", async (_what, body, more, detail) => {
    const door = await openFrontDoor();
    expect(await postBinary(door, body, more)).toEqual({ status: 202, body: { eventId: "e-1" } });
    expect(door.bodies()[0]).toContain(`"detail":${detail}}`);
  });

  test.each([
    ["percent-encoded", "Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"],
    ["percent-encoded in lower case", "%e2%82%ac", "€"],
    ["encoded without need", "%61", "a"],
    ["decoded once", "%2541", "%41"],
    ["in quotes", '"a \\"b\\" %E2%82%AC"', 'a "b" €'],
    ["with a percent sign alone", "50% off", "50% off"],
    ["in bare UTF-8, as the SDK for Go sends it", Buffer.from("für").toString("latin1"), "für"],
  ])("may have an attribute %s", async (_what, header, text) => {
    const door = await openFrontDoor();
    expect(await postBinary(door, null, { "ce-subject": header })).toMatchObject({ status: 202 });
    expect(JSON.parse(door.bodies()[0] ?? "").resources).toEqual([text]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ["bytes in a header that aren't UTF-8", { "ce-subject": "f\u00fcr" }, /^subject: the header ce-subject isn't/],
    ["an overlong encoding", { "ce-subject": "%C0%A0" }, /^subject: the header ce-subject isn't/],
    ["a control character", { "ce-subject": "a%0Ab" }, /^subject: may not have control characters/],
    ["another version", { "ce-specversion": "0.3" }, /^specversion: /],
    ["an id that is empty", { "ce-id": "" }, /^id: /],
    ["a time of words", { "ce-time": "noon" }, /^time: /],
    [
      "the data's type in a header",
      { "ce-datacontenttype": "text/xml" },
      /^datacontenttype: it belongs in Content-Type/,
    ],
    ["data in a header", { "ce-data": "x" }, /^data: it belongs in the body/],
    ["an attribute's name with a hyphen", { "ce-my-extension": "x" }, /^ce-my-extension: /],
    ["an attribute's name with underscores", { "ce-__proto__": "x" }, /^ce-__proto__: /],
  ])("refuses %s", async (_what, more, error) => {
    const door = await openFrontDoor();
    expect(await postBinary(door, null, more)).toEqual({ status: 400, body: { error: expect.stringMatching(error) } });
    expect(door.sends).toEqual([]);
  });

  test.each<[string, Body, Record<string, string>, RegExp]>([
    [
      "data that isn't the JSON it says it is",
      "hello",
      JSON_TYPE,
      /^data: not JSON: .*; as application\/json says it is$/,
    ],
    ["text that isn't UTF-8", Uint8Array.of(255), { "content-type": "text/plain" }, /^data: not UTF-8$/],
    ["data nested 1,001 levels deep", `${"[".repeat(1_001)}${"]".repeat(1_001)}`, JSON_TYPE, /^data: nested/],
  ])("refuses %s", async (_what, body, more, error) => {
    const door = await openFrontDoor();
    expect(await postBinary(door, body, more)).toEqual({ status: 400, body: { error: expect.stringMatching(error) } });
  });

  test("refuses an attribute that is given twice", async () => {
    const door = await openFrontDoor();
    const twice = ["e-1", "e-2"].map((id) => `ce-id: ${id}\r\n`).join("");
    const head = `POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n${twice}\r\n`;
    expect(await rawExchange(door, head)).toMatch(/^HTTP\/1\.1 400 [\s\S]*id: the header ce-id is given twice/);
  });

  test("names every attribute that is missing", async () => {
    const door = await openFrontDoor();
    const response = await fetch(door.url, { method: "POST", headers: { "ce-id": "e-1" } });
    expect(await response.json()).toEqual({ error: expect.stringMatching(/specversion: .*source: .*type: /) });
  });

  test("refuses an event over 1,048,576 bytes, counted as it is stored", async () => {
    const door = await openFrontDoor();
    const bytes = (count: number) => postBinary(door, new Uint8Array(count), { "content-type": "image/png" });
    expect(await bytes(1_048_577)).toMatchObject({ status: 413 });
    expect(await bytes(800_000)).toMatchObject({ status: 413 });
    expect(await bytes(700_000)).toMatchObject({ status: 202 });
  });
});

describe("a batch of CloudEvents", () => {
  const BATCH = { "content-type": "application/cloudevents-batch+json; charset=UTF-8" };
  const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ ...required, id: `e-${n}` }));

  test("is stored at once, and answered with all ids in order", async () => {
    const door = await openFrontDoor();
    const text = `[${JSON.stringify({ ...required, id: "e-0" })},
      {"specversion":"1.0","id":"e-1","source":"/shop","type":"t","data":{"n":12345678901234567890}}]`;
    expect(await post(door, text, BATCH)).toEqual({ status: 202, body: { eventIds: ["e-0", "e-1"] } });
    expect(door.sends).toHaveLength(1);
    expect(door.bodies()[1]).toContain('"detail":{"n":12345678901234567890}}');
  });

  test("may be empty", async () => {
    const door = await openFrontDoor();
    expect(await post(door, [], BATCH)).toEqual({ status: 202, body: { eventIds: [] } });
    expect(door.sends).toEqual([]);
  });

  test("is stored whole or not at all, and says which of its events were refused", async () => {
    const door = await openFrontDoor();
    const large = { ...required, id: "large", data: "x".repeat(1_048_576) };
    const batch = [...numbered(2), { ...required, type: 7 }, "text", { ...required, id: 5 }, large];
    expect(await post(door, batch, BATCH)).toEqual({
      status: 400,
      body: {
        error: "None of the 6 events was stored, as 4 can't be taken. Correct or omit those.",
        refused: [
          { index: 2, id: "e-1", error: expect.stringMatching(/^type: /) },
          { index: 3, error: expect.stringMatching(/expected an object/) },
          { index: 4, error: expect.stringMatching(/^id: /) },
          { index: 5, id: "large", error: expect.stringMatching(/1048576\.$/) },
        ],
      },
    });
    expect(door.sends).toEqual([]);
  });

  test.each([
    ["one event that isn't in an array", required, 400, /^expected an array of CloudEvents$/],
    ["what isn't JSON", "[{", 400, /^not JSON: /],
    ["more than 1,000 events", numbered(1_001), 413, /^The batch has 1001 events; it may have 1000\./],
    ["more than 4 MiB", `[${" ".repeat(4 * 1_048_576)}]`, 413, /too large/],
  ])("refuses %s", async (_what, body, status, error) => {
    const door = await openFrontDoor();
    expect(await post(door, body, BATCH)).toEqual({ status, body: { error: expect.stringMatching(error) } });
    expect(door.sends).toEqual([]);
  });

  test("takes 1,000 events", async () => {
    const door = await openFrontDoor();
    expect(await post(door, numbered(1_000), BATCH)).toMatchObject({ status: 202 });
    expect(door.bodies()).toHaveLength(1_000);
  });

  test("fails with the queue's words when it can't be stored", async () => {
    const door = await openFrontDoor({ queue: { send: () => Promise.reject(new Error("disk full")) } });
    expect(await post(door, numbered(2), BATCH)).toEqual({
      status: 500,
      body: {
        error: "The events could not be stored: disk full. Ask 'turnout doctor' what is wrong. Send them again.",
      },
    });
  });
});

describe("whatever is sent as CloudEvents", () => {
  const intake = {
    queue: { send: async (bodies: readonly unknown[]) => bodies.map(String) },
    now: () => NOW,
    newId: String,
  };
  const valid = { "ce-specversion": ["1.0"], "ce-id": ["1"], "ce-source": ["/shop"], "ce-type": ["t"] };
  const values = fc.array(
    fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.stringMatching(/^["%\\\\0-9a-f]{0,9}$/)),
    {
      maxLength: 2,
    },
  );
  const names = fc.oneof(fc.constantFrom(...Object.keys(valid), "ce-time", "ce-subject", "ce-customer"), fc.string());
  const headers = fc.dictionary(names, values, { maxKeys: 4 });
  const types = fc.constantFrom("application/json", "text/plain", "image/png", "a/b+json", ";", "x; charset=", "");
  const bodies = fc.oneof(fc.json(), fc.string({ unit: "binary" })).map((text) => Buffer.from(text));

  test("is taken or refused in binary mode, and stored as an event that the router reads", async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(
        headers,
        types,
        fc.oneof(
          bodies,
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
        async (more, type, body) => {
          const stored: string[] = [];
          const send = async (sent: readonly unknown[]) => sent.map((one) => String(stored.push(String(one))));
          const all = { ...valid, ...more, "content-type": [type] };
          const answer = await acceptBinaryCloudEvent(all, body, { ...intake, queue: { send } });
          expect([202, 400]).toContain(answer.status);
          expect(stored.map((text) => readEvent(text).ok)).toEqual(answer.status === 202 ? [true] : []);
          taken += stored.length;
        },
      ),
      { numRuns: 1_000 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  test("is taken or refused in a batch, with a reason for each event that is refused", async () => {
    const events = fc.array(
      fc.oneof(
        fc.jsonValue(),
        fc.record({ a: fc.jsonValue() }).map((more) => ({ ...required, ...more })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(events, fc.jsonValue()), async (batch) => {
        const answer = await acceptCloudEventBatch(JSON.stringify(batch), intake);
        expect([202, 400]).toContain(answer.status);
        const { refused, eventIds } = JSON.parse(answer.text);
        const count = Array.isArray(batch) ? batch.length : -1;
        if (answer.status === 202) expect(eventIds).toHaveLength(count);
        else if (count >= 0) expect(refused.length).toBeGreaterThan(0);
        for (const { index, error } of refused ?? []) {
          expect([index < count, typeof error]).toEqual([true, "string"]);
        }
      }),
    );
  });
});

describe("the front door", () => {
  test.each([
    ["a format of CloudEvents that it doesn't know", { "content-type": "application/cloudevents+avro", "ce-id": "1" }],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
  ])("refuses %s and says what to send instead", async (_what, headers) => {
    const door = await openFrontDoor();
    expect(await post(door, "[]", headers)).toEqual({
      status: 415,
      body: { error: expect.stringMatching(/isn't taken here\. .*binary.*cloudevents\+json.*cloudevents-batch\+json/) },
    });
  });

  test.each([
    ["application/cloudevents+json; charset=iso-8859-1"],
    ['application/cloudevents-batch+json;charset="UTF-16"'],
    ["text/plain; format=flowed; charset=windows-1252"],
  ])("refuses text as %s", async (contentType) => {
    const door = await openFrontDoor();
    const headers = { "content-type": contentType, "ce-id": "1" };
    expect(await post(door, required, headers)).toEqual({
      status: 415,
      body: { error: expect.stringMatching(/^Text in charset '(iso-8859-1|utf-16|windows-1252)' isn't taken here/) },
    });
  });

  test.each([["utf-8"], ["UTF8"], ["us-ascii"], ['"utf-8"']])("takes CloudEvents in charset %s", async (charset) => {
    const door = await openFrontDoor();
    const headers = { "content-type": `application/cloudevents+json; charset=${charset}` };
    expect(await post(door, required, headers)).toMatchObject({ status: 202 });
  });
});
