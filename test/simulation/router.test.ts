import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { simulate } from "./router-world.ts";
import type { EventKind, PlannedPin, Scenario } from "./scenario.ts";

const weighted = <T>(...options: [weight: number, value: T][]) =>
  fc.oneof(...options.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const event = fc.record({
  at: fc.nat({ max: 20_000 }),
  key: fc.nat({ max: 4 }),
  payload: weighted([9, 0], [1, 1]),
  project: fc.nat({ max: 2 }),
  kind: weighted<EventKind>([5, "order placed"], [3, "order paid"], [1, "stock counted"], [1, "unreadable"]),
});
const pin: fc.Arbitrary<PlannedPin> = fc.record({
  after: fc.nat({ max: 5_000 }),
  project: fc.nat({ max: 2 }),
  alias: fc.constantFrom("beta", "gone", null),
});
const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.noShrink(fc.integer()),
  events: fc.array(event, { minLength: 1, maxLength: 16 }),
  pins: fc.array(pin, { maxLength: 6 }),
  routers: fc.integer({ min: 1, max: 3 }),
  trouble: fc.record({ fails: fc.constantFrom(0, 0.02, 0.1, 0.3), crashes: fc.constantFrom(0, 0.005, 0.05) }),
  calmAfter: fc.nat({ max: 600 }),
});

describe("routers that share a queue and a store", () => {
  it("bring every event to rest as promised, whatever fails, crashes, overlaps or changes on the way", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (drawn) => {
        const { problems } = await simulate(drawn);
        expect(problems).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("do the same again in the same scenario, so that a failure can be looked into", async () => {
    const [drawn] = fc.sample(scenario, { numRuns: 1, seed: 7 });
    if (drawn === undefined) throw new Error("nothing was drawn");
    const busy: Scenario = { ...drawn, routers: 3, trouble: { fails: 0.1, crashes: 0.02 }, calmAfter: 300 };
    expect(await simulate(busy)).toEqual(await simulate(busy));
  });
});
