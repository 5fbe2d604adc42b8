import { expect, it } from "vitest";
import { brokenWorlds, guardFigures, healthyWorlds } from "./guard-figures.ts";

it.each(Object.entries(healthyWorlds))("a healthy version isn't stopped: %s", (_, world) => {
  expect(guardFigures(world, 20).stopped).toBe(0);
});

it.each(Object.entries(brokenWorlds))("a broken version is stopped within two hours: it fails %s", (_, world) => {
  expect(guardFigures(world, 5).stopped).toBe(5);
});
