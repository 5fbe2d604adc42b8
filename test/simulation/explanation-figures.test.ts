import { expect, it } from "vitest";
import { explanationFigures, worldsWithDefect, worldsWithoutDefect } from "./explanation-figures.ts";

it.each(Object.entries(worldsWithoutDefect))("nothing is said to explain failures without a defect: %s", (_, world) => {
  expect(explanationFigures(world, 20, 1_000)).toMatchObject({ some: 0 });
});

it.each(Object.entries(worldsWithDefect))(
  "what explains failures comes first, and nothing else is named: %s",
  (_, world) => {
    expect(explanationFigures(world, 2, 8_000)).toMatchObject({ first: 2, wrong: 0, found: 2 * world.finds.length });
  },
);
