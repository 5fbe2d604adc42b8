import fc from "fast-check";
import { expect, it } from "vitest";
import { sharesOf } from "../../infra/constructs/concurrency.ts";

const OTHERS = 10;

it("routing stays within its concurrency, and leaves little of it unused", () => {
  fc.assert(
    fc.property(fc.integer({ min: 70, max: 20_000 }), fc.integer({ min: 1, max: 25 }), (concurrency, batchSize) => {
      const { routers, outcomes } = sharesOf(concurrency, batchSize);
      const taken = (of: number) => of * (1 + batchSize) + outcomes + OTHERS;
      expect(taken(routers)).toBeLessThanOrEqual(concurrency);
      expect(routers === 1_000 || taken(routers + 2) >= concurrency).toBe(true);
      expect(Math.min(routers, outcomes)).toBeGreaterThanOrEqual(2);
    }),
  );
});

it.each([
  [120, 9],
  [500, 43],
  [800, 70],
])("%i concurrent executions are %i routers", (concurrency, routers) => {
  expect(sharesOf(concurrency, 10).routers).toBe(routers);
});

it("a deployment fails, with what it takes, where not even two routers have room", () => {
  expect(() => sharesOf(20, 10)).toThrow(/takes 35 concurrent executions at least, and not 20: raise/);
  expect(sharesOf(35, 10).routers).toBe(2);
});
