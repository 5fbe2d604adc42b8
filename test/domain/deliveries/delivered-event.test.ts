import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliveredKey, eventKeyOfDelivered } from "../../../shared/domain/deliveries/delivered-event.ts";
import { eventKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";

const keyOf = (source: string, type: string, publisherKey: string, generation: string) =>
  deliveredKey(eventKeyOf(source, type, publisherKey), generation);

describe("the delivered key", () => {
  // Golden: another value here makes consumers run again what they have run.
  it("the delivered key of an event stays what it is, as it arrives and in a replay", () => {
    const eventKey = "36eec38f7bb1d71d385920446c1997e146a4897b75a899ee083a2c3f990fd21b";
    expect(keyOf("shop", "order placed", "order-1", "live")).toBe(`${eventKey}#live`);
    expect(keyOf("shop", "order placed", "order-1", "replay-1")).toBe(`${eventKey}#replay-1`);
  });

  it("of a live event is never that of another event's replay, though its publisher's key looks like it", () => {
    expect(keyOf("shop", "order placed", "base#r1", "live")).not.toBe(keyOf("shop", "order placed", "base", "r1"));
  });

  it("is another one whenever source, type, publisher's key or generation is another one", () => {
    // Pieces that would run together if they were simply put side by side.
    const part = fc.string({ unit: fc.constantFrom("a", "#", ":", '"', ",", "live", "r1"), maxLength: 3 });
    const generation = fc.constantFrom("live", "r1", "r1-live", "a");
    const named = fc.tuple(part, part, part, generation);
    fc.assert(
      fc.property(named, named, (a, b) => {
        expect(keyOf(...a) === keyOf(...b)).toBe(a.every((text, index) => text === b[index]));
      }),
      { numRuns: 2_000 },
    );
  });

  it("tells the event's key", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (publisherKey, generation) => {
        const eventKey = eventKeyOf("shop", "order placed", publisherKey);
        expect(eventKeyOfDelivered(deliveredKey(eventKey, generation))).toBe(eventKey);
      }),
    );
  });

  it.each(["order-7", "order-7#replay-1", "", "#live", `${"a".repeat(63)}#live`, `${"a".repeat(64)}#`, "a".repeat(64)])(
    "isn't seen in %j, which Turnout gave nobody",
    (text) => {
      expect(eventKeyOfDelivered(text)).toBeUndefined();
    },
  );
});
