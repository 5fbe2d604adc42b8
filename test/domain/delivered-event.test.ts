import fc from "fast-check";
import { expect, it } from "vitest";
import { deliveredKey } from "../../shared/domain/delivered-event.ts";

it("has the event's own key as it arrives and when it is finished, and another one in each replay", () => {
  expect(["live", "replay-1", "replay-2"].map((generation) => deliveredKey("order-7", generation))).toEqual([
    "order-7",
    "order-7#replay-1",
    "order-7#replay-2",
  ]);
});

it("has keys that differ by event as well as by replay", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/);
  fc.assert(
    fc.property(fc.string(), name, fc.string(), name, (a, one, b, other) => {
      if (deliveredKey(a, one) === deliveredKey(b, other)) {
        // No replay's name has a #, so the last one divides key and name; only a live key may look like a replay's.
        if (one !== "live" && other !== "live") expect([a, one]).toEqual([b, other]);
      }
    }),
  );
});
