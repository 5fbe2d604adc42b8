import { expect, it } from "vitest";
import { aRoutingTable } from "../support/routing-table.ts";
import { releaseBreakages } from "./release-breakage.ts";
import { releaseRun } from "./release-world.ts";

/** Each a release with crashes, clocks and persons of its own. */
const SEEDS = 24;

it("a release does nothing that no release may do, whatever comes in between, and comes to its end", async () => {
  const ends = new Set<string | undefined>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violations, end } = await releaseRun(seed, aRoutingTable());
    expect(violations, `seed ${seed}`).toEqual([]);
    ends.add(end);
  }
  expect(ends).toEqual(new Set(["done", "aborted", "stopped"]));
});

it.each(releaseBreakages)("a release that is broken is noticed: %s", async (breakage) => {
  for (let seed = 1; seed <= 100; seed++) {
    const { violations } = await releaseRun(seed, aRoutingTable(), breakage);
    if (violations.some((told) => told.includes(noticedAs[breakage]))) return;
  }
  expect.unreachable("nobody noticed");
});

const noticedAs: Record<(typeof releaseBreakages)[number], string> = {
  "verdict unheard": "went on past a verdict of worse",
  "verdict made up": "was taken back on",
  "alias stays": "beta is still on the version",
  "rules stay": "is left",
  "a person's rule goes": "took the route of staff from grace",
  "nothing healed": "nothing was delivered again",
  "half promoted": "stable isn't on the version",
};
