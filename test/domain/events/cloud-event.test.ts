import { CloudEvent } from "cloudevents";
import { describe, expect, test } from "vitest";
import { CloudEventAttributes, entryOfCloudEvent } from "../../../shared/domain/events/cloud-event.ts";
import { read } from "../../../shared/domain/text/schema.ts";

const required = {
  specversion: "1.0",
  id: "e-1",
  source: "/shop",
  type: "com.shop.order",
  time: "2026-11-20T10:00:00Z",
};

function mapped(fields: object) {
  const result = entryOfCloudEvent(new CloudEvent<unknown>({ ...required, ...fields }));
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}

function detailOf(fields: object): unknown {
  return JSON.parse(mapped(fields).entry.Detail ?? "");
}

test("id, source, type, time and subject of a CloudEvent keep their values as an entry's", () => {
  expect(mapped({ subject: "orders/7", time: "2026-11-20T11:00:00.123456+01:00", data: { order: 7 } })).toEqual({
    id: "e-1",
    entry: {
      Source: "/shop",
      DetailType: "com.shop.order",
      Detail: '{"order":7}',
      Time: "2026-11-20T11:00:00.123456+01:00",
      Resources: ["orders/7"],
    },
  });
});

describe("the detail", () => {
  test.each([
    ["an object as it is", { data: { b: 1, a: [2] } }, { b: 1, a: [2] }],
    ["text under data", { data: "<order/>", datacontenttype: "text/xml" }, { data: "<order/>" }],
    ["an array under data", { data: [1, 2] }, { data: [1, 2] }],
    ["false under data", { data: false }, { data: false }],
    ["null under data", { data: null }, { data: null }],
    ["base64 under data_base64", { data_base64: "Zm9vYg==" }, { data_base64: "Zm9vYg==" }],
    ["bytes under data_base64", { data: new Uint8Array([102, 111]) }, { data_base64: "Zm8=" }],
    ["nothing as an empty object", {}, {}],
  ])("holds %s", (_what, fields, detail) => {
    expect(detailOf(fields)).toEqual(detail);
  });
});

describe("extension attributes", () => {
  test("become metadata under the names that Turnout reads", () => {
    const extensions = { idempotencykey: "k", project: "p", customer: "c", plan: "pro", user: "u", flow: "f" };
    expect(detailOf({ ...extensions, traceparent: "00-1", color: "red", data: { a: 1 } })).toEqual({
      a: 1,
      metadata: {
        idempotencyKey: "k",
        project: "p",
        customer: "c",
        plan: "pro",
        user: "u",
        flow: "f",
        traceparent: "00-1",
      },
    });
  });

  test("don't override what the metadata says, null being nothing said", () => {
    expect(
      detailOf({ customer: "c", plan: "pro", data: { metadata: { customer: "own", plan: null, x: null } } }),
    ).toEqual({
      metadata: { customer: "own", plan: "pro", x: null },
    });
  });

  test("become text where they are integers or booleans", () => {
    expect(detailOf({ customer: 42, user: true })).toEqual({ metadata: { customer: "42", user: "true" } });
  });

  test("refuses one that has no place because the metadata isn't an object", () => {
    const event = new CloudEvent<unknown>({ ...required, customer: "c", data: { metadata: "v2" } });
    expect(entryOfCloudEvent(event)).toEqual({
      ok: false,
      problem: "data.metadata: expected an object, to put the event's customer into",
    });
  });

  test("leave metadata that isn't an object alone where there are none", () => {
    expect(detailOf({ data: { metadata: "v2" } })).toEqual({ metadata: "v2" });
  });

  test("refuses an object", () => {
    const event = new CloudEvent<unknown>({ ...required, customer: { id: "c" } });
    expect(entryOfCloudEvent(event)).toMatchObject({ ok: false, problem: expect.stringMatching(/^customer: /) });
  });
});

describe("a CloudEvent", () => {
  test.each([
    ["an id of 256 characters", { id: "i".repeat(256) }],
    ["a source of 256 characters", { source: "s".repeat(256) }],
    ["a type of 128 characters", { type: "t".repeat(128) }],
    ["a source that AWS's own begin like", { source: "awsome" }],
    ["base64 with padding", { data_base64: "Zm9vYg==" }],
    ["extension attributes", { customer: "acme" }],
  ])("is taken with %s", (_, fields) => {
    expect(read(CloudEventAttributes, { ...required, ...fields })).toMatchObject({ ok: true });
  });

  test.each([
    ["id", "of no characters", { id: "" }],
    ["id", "of 257 characters", { id: "i".repeat(257) }],
    ["source", "of 257 characters", { source: "s".repeat(257) }],
    ["source", "of AWS's own", { source: "aws.s3" }],
    ["type", "of 129 characters", { type: "t".repeat(129) }],
    ["specversion", "of a draft", { specversion: "0.3" }],
    ["data_base64", "that isn't base64", { data_base64: "Zm9vYg" }],
    ["data_base64", "beside data", { data: null, data_base64: "Zm9vYg==" }],
  ])("refuses %s %s", (field, _, fields) => {
    const problem = expect.stringMatching(`^${field}: `);
    expect(read(CloudEventAttributes, { ...required, ...fields })).toEqual({ ok: false, problem });
  });
});
