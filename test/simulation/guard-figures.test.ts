import { expect, it } from "vitest";
import { badForOne, customerFigures, healthyForAll } from "./customer-figures.ts";
import { brokenWorlds, guardFigures, healthyWorlds, releaseFigures } from "./guard-figures.ts";

it.each(Object.entries(healthyWorlds))("a healthy version isn't stopped: %s", (_, world) => {
  expect(guardFigures(world, 20).stopped).toBe(0);
});

it.each(Object.entries(brokenWorlds))("a broken version is stopped within two hours: it fails %s", (_, world) => {
  expect(guardFigures(world, 5).stopped).toBe(5);
});

it.each(Object.entries(healthyForAll))("nobody is taken off a version that is healthy for all: %s", (_, world) => {
  expect(customerFigures(world, 10).takenOff).toBe(0);
});

it.each(Object.entries(badForOne))(
  "whom a version fails for is taken off within two hours: it fails %s",
  (_, world) => {
    expect(customerFigures(world, 5).takenOff).toBe(5);
  },
);

it("of healthy releases the guard stops none, where a threshold and a z-test at every look stop many", () => {
  const { guard, threshold, zTest } = releaseFigures(100);
  expect(guard).toBe(0);
  expect(Math.min(threshold, zTest)).toBeGreaterThan(90);
});
