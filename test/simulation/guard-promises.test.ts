import { expect, it } from "vitest";
import { guardBreakages, guardRun } from "./guard-world.ts";

/** Each a guarded version with crashes, clocks and trouble of its own: of 4 to 11 two are healthy, and all modes are there. */
const SEEDS = [4, 11] as const;

it("a guard acts upon bad versions alone, once, and what it began is done, whatever comes in between", async () => {
  const seeds = Array.from({ length: SEEDS[1] - SEEDS[0] + 1 }, (_, n) => SEEDS[0] + n);
  // In the last one the watch is lost once its version is marked.
  for (const seed of [...seeds, 211]) {
    const { violations, end } = await guardRun(seed);
    expect(violations, `seed ${seed}: ${end}`).toEqual([]);
  }
});

it.each(guardBreakages)("a guard that is broken is noticed: %s", async (breakage) => {
  for (let seed = SEEDS[0]; seed <= 20; seed++) {
    const { violations } = await guardRun(seed, breakage);
    if (violations.some((told) => told.includes(noticedAs[breakage]))) return;
  }
  expect.unreachable("nobody noticed");
});

const noticedAs: Record<(typeof guardBreakages)[number], string> = {
  "ledger unheard": "acted upon a version that is healthy",
  "alias stays": "still on the version",
  "nothing healed": "what it left isn't done",
  "told anew": "told of more than one trip",
  "trip forgotten": "rolled back twice",
};
