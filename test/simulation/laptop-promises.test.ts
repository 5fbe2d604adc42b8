import { expect, it } from "vitest";
import { type LaptopBreakage, laptopBreakages, laptopRun } from "./laptop-world.ts";

/** Each two laptops that crash, sleep, answer late and hand back. */
const SEEDS = 30;

it("no event of somebody who is listened to is lost, stuck or done twice, whatever the laptops do", async () => {
  const ran = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = await laptopRun(seed);
    expect(run.violations, `seed ${seed}`).toEqual([]);
    for (const at of run.ran) ran.add(at === "stable" ? "stable" : "laptop");
  }
  expect(ran).toEqual(new Set(["stable", "laptop"]));
});

it.each(laptopBreakages)("a laptop that is broken is noticed: %s", async (breakage) => {
  for (let seed = 1; seed <= 200; seed++) {
    const { violations } = await laptopRun(seed, breakage);
    if (violations.includes(noticedAs[breakage])) return;
  }
  expect.unreachable("nobody noticed");
});

const noticedAs: Record<LaptopBreakage, string> = {
  "inbox never swept": "an event is stuck as accepted",
  "lapse unseen": "an event is stuck as accepted",
  "lease unlocked": "two laptops hold one lease",
};
