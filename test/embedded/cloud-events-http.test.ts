import { CloudEvent, HTTP } from "cloudevents";
import { describe, expect, test } from "vitest";
import { readEvent } from "../../shared/domain/events/event.ts";
import { type OpenDoor, openFrontDoor } from "../support/front-door.ts";

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
    ["a customer that isn't text", { customer: [] }, /^customer: /],
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
    ["a list", "[]", /expected object/],
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
      body: { error: "The event could not be stored: disk full. Send it again." },
    });
  });
});

test.each([
  ["a batch", { "content-type": "application/cloudevents-batch+json" }],
  ["binary mode", { "content-type": "application/json", "ce-id": "1", "ce-specversion": "1.0" }],
])("refuses %s and says what to send instead", async (_what, headers) => {
  const door = await openFrontDoor();
  expect(await post(door, "[]", headers)).toEqual({
    status: 415,
    body: { error: expect.stringMatching(/supported yet\. .*application\/cloudevents\+json/) },
  });
});
