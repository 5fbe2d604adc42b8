import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRedelivery, redeliveryBody, redeliveryGroup } from "../../../shared/domain/deliveries/redelivery.ts";
import { anEvent, bodyOf } from "../../support/builders.ts";

const redelivery = {
  component: "mailer",
  eventKey: "e".repeat(64),
  generation: "replay-1",
  payloadHash: "a".repeat(64),
  t0: new Date("2026-11-20T10:00:00.123Z"),
};

describe("a redelivery message", () => {
  it("says which delivery is to be made, whatever its names", () => {
    const t0 = fc.date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true });
    const text = fc.string({ unit: "grapheme" });
    const any = fc.record({ component: text, eventKey: text, generation: text, payloadHash: text, t0 });
    fc.assert(
      fc.property(any, (asked) => {
        expect(readRedelivery(redeliveryBody(asked))).toEqual(asked);
      }),
    );
  });

  it("shares its queue fairly with those of other components", () => {
    expect(redeliveryGroup(redelivery)).toBe("component#mailer");
  });

  it("says nothing else of a ledger entry", () => {
    const entry = { ...redelivery, status: "failed", owner: "ada", alias: "beta" };
    expect(readRedelivery(redeliveryBody(entry))).toStrictEqual(redelivery);
  });

  const { generation: _, ...incomplete } = redelivery;
  it.each<[string, string]>([
    ["an event", bodyOf(anEvent())],
    ["an event whose detail is one", bodyOf(anEvent({ detail: { redelivery } }))],
    ["an event with such a field of its own", JSON.stringify({ ...anEvent(), redelivery })],
    ["a redelivery with another field beside it", JSON.stringify({ redelivery, ...anEvent() })],
    ["a redelivery with another field in it", JSON.stringify({ redelivery: { ...redelivery, body: "{}" } })],
    ["one with a field missing", JSON.stringify({ redelivery: incomplete })],
    ["one without a time", JSON.stringify({ redelivery: { ...redelivery, t0: "yesterday" } })],
    ["one cut off in the middle", redeliveryBody(redelivery).slice(0, -3)],
    ["nothing", ""],
  ])("isn't seen in %s", (_what, body) => {
    expect(readRedelivery(body)).toBeUndefined();
  });
});
