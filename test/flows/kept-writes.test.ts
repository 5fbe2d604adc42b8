import { describe, expect, it } from "vitest";
import { keptWrites, untilWritten } from "../../shared/flows/kept-writes.ts";

/** A write that fails so often, with time and chance in the test's hand; a wait takes as long as it says. */
function aWrite(failures: number, about: { random?: number; until?: number } = {}) {
  let now = 0;
  let tries = 0;
  const waits: number[] = [];
  const kept = keptWrites();
  const seen: number[] = [];
  const ports = {
    now: () => new Date(now),
    random: () => about.random ?? 0.5,
    delay: async (ms: number) => {
      waits.push(ms);
      seen.push(kept.oldest()?.count ?? 0);
      now += ms;
    },
    kept,
    ...(about.until !== undefined && { until: () => new Date(about.until as number) }),
  };
  const write = async () => {
    tries++;
    if (tries <= failures) throw new Error(`failure ${tries}`);
    return "written";
  };
  const run = (by: number) => untilWritten(ports, write, new Date(by));
  return { run, waits, kept, seen, tries: () => tries, ports };
}

describe("a write that is kept", () => {
  it("is tried again ever later, up to a second, until it succeeds", async () => {
    const { run, waits, tries } = aWrite(7);
    expect(await run(60_000)).toBe("written");
    expect(tries()).toBe(8);
    expect(waits).toEqual([25, 50, 100, 200, 400, 500, 500]);
  });

  it("waits no longer than a second between two tries, whatever chance has it", async () => {
    const { run, waits } = aWrite(8, { random: 1 });
    await run(60_000);
    expect(waits).toEqual([50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it("is given up where the next try would begin when there is no point in it any more", async () => {
    const late = aWrite(9);
    await expect(late.run(75)).rejects.toThrow("failure 2");
    expect(late.waits).toEqual([25]);
    const inTime = aWrite(2);
    expect(await inTime.run(76)).toBe("written");
  });

  it("is given up where its process has to end before", async () => {
    await expect(aWrite(9, { until: 75 }).run(60_000)).rejects.toThrow("failure 2");
    await expect(aWrite(9, { until: 60_000 }).run(25)).rejects.toThrow("failure 1");
  });

  it("is seen while it waits, and no more once it is written or given up", async () => {
    const written = aWrite(2);
    await written.run(60_000);
    expect(written.seen).toEqual([1, 1]);
    expect(written.kept.oldest()).toBeUndefined();
    const lost = aWrite(9);
    await lost.run(60).catch(() => {});
    expect([lost.seen, lost.kept.oldest()]).toEqual([[1], undefined]);
    const fine = aWrite(0);
    await fine.run(0);
    expect(fine.waits).toEqual([]);
  });
});

it("of writes that are kept the one is told that has waited longest, and how many there are", () => {
  const kept = keptWrites();
  expect(kept.oldest()).toBeUndefined();
  const first = kept.keep(new Date(1), "a");
  kept.keep(new Date(2), "b");
  expect(kept.oldest()).toEqual({ count: 2, since: new Date(1), why: "a" });
  first();
  expect(kept.oldest()).toEqual({ count: 1, since: new Date(2), why: "b" });
});
