import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { OutcomeCount } from "../../shared/domain/deliveries/outcome-count.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";

type Stores = { store: EventStore; another: () => Promise<EventStore> };

/** The part of the event store's contract that is about counts of outcomes. Each test keeps to an hour of its own. */
export function describeOutcomeCounts(name: string, openStore: () => Promise<Stores>): void {
  describe(`counts of outcomes in an event store (${name})`, () => {
    test("add up, whoever counts, by minute, component, version and outcome", async () => {
      const { store, another } = await openStore();
      const stores = [store, await another()];
      const minute = anHour();
      const counted = [
        aCount(minute(0)),
        aCount(minute(0), { outcome: "failed" }),
        aCount(minute(0), { version: "24" }),
        aCount(minute(0), { component: "billing" }),
        aCount(minute(1)),
      ];
      for (let n = 0; n < 6; n++) await stores[n % 2]?.count(counted.map((one) => ({ ...one, count: n + 1 })));
      const expected = counted.map((one) => ({ ...one, count: 21 })).sort(byName);
      expect((await store.counts({ from: minute(0), to: minute(60) })).sort(byName)).toStrictEqual(expected);
    });

    test("are those of the minutes that begin in the window, oldest first", async () => {
      const { store } = await openStore();
      const minute = anHour();
      await store.count([3, 0, 2, 1].map((n) => aCount(minute(n), { count: n + 1 })));
      const counts = async (from: Date, to: Date) => (await store.counts({ from, to })).map(({ count }) => count);
      expect(await counts(minute(0), minute(60))).toEqual([1, 2, 3, 4]);
      expect(await counts(minute(1), minute(3))).toEqual([2, 3]);
      expect(await counts(new Date(minute(1).getTime() + 1), new Date(minute(2).getTime() + 1))).toEqual([3]);
      expect(await counts(minute(2), minute(2))).toEqual([]);
      expect(await counts(minute(3), minute(1))).toEqual([]);
    });

    test("keep any version apart", async () => {
      const { store } = await openStore();
      const minute = anHour();
      const versions = ["", "1", "01", "$LATEST", "a#b", "#", "1.0.0 (é)", "'\"?:", "pk", "__proto__", "v".repeat(300)];
      await store.count(versions.map((version, n) => aCount(minute(0), { version, count: n + 1 })));
      const found = await store.counts({ from: minute(0), to: minute(1) });
      expect(found.map(({ version, count }) => [version, count]).sort(byText)).toEqual(
        versions.map((version, n) => [version, n + 1]).sort(byText),
      );
    });

    test("are added many at once", async () => {
      const { store } = await openStore();
      const minute = anHour();
      const counted = Array.from({ length: 250 }, (_, n) => aCount(minute(n % 2), { version: `${n}`, count: n + 1 }));
      await store.count(counted);
      expect((await store.counts({ from: minute(0), to: minute(2) })).sort(byName)).toStrictEqual(counted.sort(byName));
      await store.count([]);
    });
  });
}

/** An hour that no other test looks at, by its minutes. */
function anHour(): (minute: number) => Date {
  const start = Date.UTC(2000, 0) + (Number.parseInt(randomUUID().slice(0, 8), 16) % 876_000) * 3_600_000;
  return (minute) => new Date(start + minute * 60_000);
}

function aCount(minute: Date, about: Partial<OutcomeCount> = {}): OutcomeCount {
  return { minute, component: "release-coordinator", version: "23", outcome: "done", count: 1, ...about };
}

function byName(a: OutcomeCount, b: OutcomeCount): number {
  return nameOf(a) < nameOf(b) ? -1 : 1;
}

function nameOf({ minute, component, version, outcome }: OutcomeCount): string {
  return [minute.toISOString(), component, version, outcome].join("\n");
}

function byText([a]: (string | number)[], [b]: (string | number)[]): number {
  return String(a) < String(b) ? -1 : 1;
}
