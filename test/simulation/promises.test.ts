import { describe, expect, it } from "vitest";
import { allArrive } from "./arrival-controls.ts";
import { besideDeadlyEvents } from "./crash-controls.ts";
import { runSeed, type SeedOptions } from "./run-seeds.ts";
import { type Failure, shrink } from "./shrink.ts";
import { storyOf } from "./story.ts";

/** What goes wrong: the first seed's shrunken story, and the other seeds. */
async function failuresOf(
  seeds: readonly number[],
  options: Pick<SeedOptions, "embedded" | "weather"> = {},
): Promise<string[]> {
  const failures: Failure[] = [];
  for (const seed of seeds) {
    const failure = await runSeed(seed, options);
    if (failure.problems.length + failure.ended.inside.length > 0) failures.push(failure);
  }
  const [first, ...others] = failures;
  if (first === undefined) return [];
  return [
    storyOf(await shrink(first, options)),
    ...others.map(({ scenario }) => `seed ${scenario.seed} fails as well`),
  ];
}

const seeds = (count: number, first: number) => Array.from({ length: count }, (_, index) => first + 2 * index);

/** So many that a defect shows at once; thousands more with `npm run simulate`, as before each change lands. */
describe("Turnout, whatever fails, crashes, overlaps or changes on the way", () => {
  it("loses, misroutes, doubles and mixes up nothing while faults go on", async () => {
    expect(await failuresOf(seeds(50, 1))).toEqual([]);
  });

  it("brings every event to rest as promised once the faults have stopped", async () => {
    expect(await failuresOf(seeds(35, 2))).toEqual([]);
  });

  it("does both on the embedded runtime's own store", async () => {
    expect(await failuresOf([...seeds(15, 1), ...seeds(15, 2)], { embedded: true })).toEqual([]);
  });

  it("gives up an event that ends whoever sends it, and nothing that came beside it", async () => {
    const options = { weather: besideDeadlyEvents, embedded: true };
    expect(await failuresOf(seeds(24, 1), options)).toEqual([]);
    const { ended } = await runSeed(1, options);
    const given = ended.listing.filter(({ status }) => status === "dead");
    expect(given.map(({ record, entry }) => `${record.id}: ${entry?.error?.type}`)).toEqual([
      "event-5: LeaseLapsed",
      "event-6: LeaseLapsed",
    ]);
  });

  it("judges a replay by what it may have found: an alias that a pin has changed since, an order that nobody told", async () => {
    expect(await failuresOf([1196, 2395], { weather: allArrive })).toEqual([]);
  });

  it("brings a delivery back whose message was taken along by who had received it before", async () => {
    expect(await failuresOf([1864], { weather: allArrive })).toEqual([]);
  });

  it("does the same again under the same seed, so that a failure can be looked into", async () => {
    expect(storyOf(await runSeed(3))).toEqual(storyOf(await runSeed(3)));
  });
});
