import { describe, expect, it } from "vitest";
import {
  binaryHeaders,
  deliveredCloudEvent,
  structuredText,
} from "../../../shared/domain/deliveries/delivered-cloud-event.ts";
import { deliveredEvent } from "../../../shared/domain/deliveries/delivered-event.ts";
import { anEvent } from "../../support/builders.ts";

/** What a target gets of an event with this in its envelope. */
function delivered(envelope: object = {}, turnout: { subject?: object; traceparent?: string } = {}) {
  const own = {
    ...{ component: "mailer", alias: "beta", because: "default alias" as const, fallback: false },
    ...{ idempotencyKey: "k#live", publisherKey: "k", generation: "live", attempt: 2, routingRevision: 7 },
    ...{ subject: {}, replay: null },
  } as const;
  const body = JSON.stringify({ ...anEvent({ detail: { total: 5 } }), ...envelope });
  return deliveredCloudEvent(deliveredEvent(body, { ...own, ...turnout }));
}

describe("a delivered event as a CloudEvent", () => {
  it("has its envelope, its subject and the delivery for attributes, those only that say something", () => {
    expect(delivered().attributes).toEqual({
      ...{ specversion: "1.0", id: "event-1", source: "shop", type: "order placed", time: "2026-11-20T10:00:00Z" },
      ...{ datacontenttype: "application/json", idempotencykey: "k#live" },
      ...{ turnoutcomponent: "mailer", turnoutalias: "beta", turnoutgeneration: "live", turnoutattempt: "2" },
    });
    const subject = { project: "site", customer: "acme", plan: "paid" };
    expect(delivered({ time: "" }, { subject, traceparent: "00-a" }).attributes).toMatchObject({
      ...subject,
      traceparent: "00-a",
    });
    expect(delivered({ time: "" }).attributes).not.toHaveProperty("time");
    expect(delivered({ time: null }).attributes).not.toHaveProperty("time");
  });

  it.each([
    ["the one resource", ["order/1"], "order/1"],
    ["none of several", ["order/1", "order/2"], undefined],
    ["none where there is none", [], undefined],
    ["none where it is no list", "order/1", undefined],
  ])("has for its subject %s", (_, resources, subject) => {
    expect(delivered({ resources }).attributes.subject).toBe(subject);
  });

  it("has the event's detail for its data, or null", () => {
    expect(delivered().data).toBe('{"total":5}');
    expect(delivered({ detail: undefined }).data).toBe("null");
  });

  it("is one JSON text in the structured mode", () => {
    const event = delivered();
    expect(JSON.parse(structuredText(event))).toEqual({ ...event.attributes, data: { total: 5 } });
  });

  it("has its attributes for headers in the binary mode, with what no header takes encoded", () => {
    const headers = binaryHeaders(delivered({ id: '50 % "é"' }));
    expect(headers).toMatchObject({ "content-type": "application/json", "ce-id": "50%20%25%20%22%C3%A9%22" });
    expect(headers).not.toHaveProperty("ce-datacontenttype");
    expect(binaryHeaders({ attributes: { id: "1" }, data: "" })).toEqual({
      "content-type": "application/json",
      "ce-id": "1",
    });
  });

  it("isn't made of what is no JSON, which no target is given", () => {
    expect(() => deliveredCloudEvent("]")).toThrow("not JSON");
  });
});
