import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countedOutcomes } from "../../shared/domain/deliveries/outcome-count.ts";
import type { CountSpan } from "../../shared/domain/health/delivery-count.ts";
import { type CountedDelivery, type CountsToStore, deliveryTally } from "../../shared/domain/health/delivery-tally.ts";
import type { Failure } from "../../shared/domain/health/failure.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { anyText } from "../support/any-text.ts";

type Stores = { store: EventStore; another: () => Promise<EventStore> };

/** The part of the event store's contract that is about counts of deliveries. Each test keeps to hours of its own. */
export function describeDeliveryCounts(name: string, openStore: () => Promise<Stores>): void {
  describe(`counts of deliveries in an event store (${name})`, () => {
    test("add up over those who count, and by minute, component, version, alias and type", async () => {
      const { store, another } = await openStore();
      const stores = [store, await another()];
      const minute = anHour();
      const tallies = stores.map(() => deliveryTally());
      const differing: Partial<CountedDelivery>[] = [
        {},
        { version: "24" },
        { component: "billing" },
        { alias: "beta" },
        { type: "order cancelled" },
        { outcome: "failed", attempt: { kind: "first", durationMs: 80, error: { type: "Broken", message: "no 7" } } },
      ];
      for (const [n, of] of stores.entries()) {
        for (const about of differing) tallies[n]?.add(minute(0), aDelivery(about));
        tallies[n]?.add(minute(1), aDelivery());
        await of.count(taken(tallies[n]), `router-${n}`);
      }
      const { counts } = await store.counts({ from: minute(0), to: minute(60) }, "minute");
      const keys = counts.map(({ at, component, version, alias, type, firsts }) =>
        [at.getTime() - minute(0).getTime(), component, version, alias, type, firsts].join(" "),
      );
      expect(keys.sort()).toEqual([
        "0 billing 23 stable order placed 2",
        "0 release-coordinator 23 beta order placed 2",
        "0 release-coordinator 23 stable order cancelled 2",
        "0 release-coordinator 23 stable order placed 4",
        "0 release-coordinator 24 stable order placed 2",
        "60000 release-coordinator 23 stable order placed 2",
      ]);
      expect(counts.find(({ failed }) => failed > 0)).toMatchObject({
        failed: 2,
        outcomes: new Map([
          ["done", 2],
          ["failed", 2],
        ]),
        errors: new Map([["Broken: no N", 2]]),
      });
      const hours = await store.counts({ from: minute(0), to: minute(60) }, "hour");
      expect(hours.counts.map(({ firsts }) => firsts).sort()).toEqual([2, 2, 2, 2, 6]);
    });

    test("are what one process has counted last, however often it stores them", async () => {
      const { store } = await openStore();
      const minute = anHour();
      const tally = deliveryTally();
      for (let n = 1; n <= 3; n++) {
        tally.add(minute(0), aDelivery());
        const counted = tally.take();
        await store.count(counted, "router-1");
        await store.count(counted, "router-1");
        const { counts } = await store.counts({ from: minute(0), to: minute(1) }, "minute");
        expect(counts).toMatchObject([{ firsts: n, durations: new Map([[4, n]]), outcomes: new Map([["done", n]]) }]);
      }
    });

    test("are those of the spans that begin in the window, oldest first", async () => {
      const { store } = await openStore();
      const minute = anHour();
      const tally = deliveryTally();
      for (const n of [0, 1, 2, 3]) tally.add(minute(n), aDelivery({ version: `${n}` }));
      await store.count(tally.take(), "router-1");
      const found = async (from: Date, to: Date, span: CountSpan = "minute") =>
        (await store.counts({ from, to }, span)).counts.map(({ version }) => version);
      expect(await found(minute(0), minute(60))).toEqual(["0", "1", "2", "3"]);
      expect(await found(minute(1), minute(3))).toEqual(["1", "2"]);
      expect(await found(new Date(minute(1).getTime() + 1), new Date(minute(2).getTime() + 1))).toEqual(["2"]);
      expect(await found(minute(2), minute(2))).toEqual([]);
      expect(await found(minute(3), minute(1))).toEqual([]);
      expect(await found(minute(0), minute(60), "hour")).toEqual(["0", "1", "2", "3"]);
      expect(await found(minute(1), minute(60), "hour")).toEqual([]);
    });

    test("keep what they are counted by, and what was dropped, whatever it is called", async () => {
      const { store, another } = await openStore();
      const other = await another();
      const minute = anHour();
      const any = fc.array(
        fc.record({
          version: anyText.map((text) => text.slice(0, 100).toWellFormed()),
          alias: fc.constantFrom("stable", "__proto__", "#"),
          type: anyText.map((text) => text.slice(0, 100).toWellFormed()),
          outcome: fc.constantFrom(...countedOutcomes),
          error: anyText,
          dropped: fc.nat(9),
        }),
        { maxLength: 8 },
      );
      let minutes = 0;
      await fc.assert(
        fc.asyncProperty(any, async (all) => {
          const at = minute(minutes++ * 60);
          const tally = deliveryTally();
          for (const { error, ...about } of all) {
            tally.add(at, aDelivery({ ...about, attempt: { kind: "first", error: { type: error, message: error } } }));
          }
          const { spans } = tally.take();
          const told = spans.map((span) => ({ ...span, dropped: all[0]?.dropped ?? 0 }));
          await store.count({ spans: told, failures: [] }, `router ${minutes}`);
          const read = await other.counts({ from: at, to: new Date(at.getTime() + 60_000) }, "minute");
          const expected = told.find(({ span }) => span === "minute");
          expect(new Set(read.counts)).toEqual(new Set(expected?.counts));
          expect(read.dropped).toBe(expected?.dropped ?? 0);
        }),
        { numRuns: 40 },
      );
    });

    test("hold the failures of a component in a window, the newest first, and each once", async () => {
      const { store } = await openStore();
      const minute = anHour();
      const failures = [0, 30, 61, 125].map((n) => aFailure(minute(n)));
      const others = [aFailure(minute(30), { component: "billing" })];
      await store.count({ spans: [], failures: [...failures, ...others] }, "router-1");
      await store.count({ spans: [], failures: failures.slice(2) }, "router-2");
      const found = (from: number, to: number, limit = 10) =>
        store.failures("release-coordinator", { from: minute(from), to: minute(to) }, limit);
      expect(await found(0, 200)).toStrictEqual(failures.toReversed());
      expect(await found(30, 125)).toStrictEqual([failures[2], failures[1]]);
      expect(await found(0, 200, 3)).toStrictEqual(failures.toReversed().slice(0, 3));
      expect(await found(126, 200)).toEqual([]);
      expect(await store.failures("billing", { from: minute(0), to: minute(200) }, 9)).toStrictEqual(others);
    });

    test("hold more failures than a request takes", async () => {
      const { store } = await openStore();
      const minute = anHour();
      const failures = Array.from({ length: 60 }, (_, n) => aFailure(new Date(minute(0).getTime() + n)));
      await store.count({ spans: [], failures }, "router-1");
      const found = await store.failures("release-coordinator", { from: minute(0), to: minute(1) }, 100);
      expect(found).toStrictEqual(failures.toReversed());
    });
  });
}

/** An hour that no other test looks at, by its minutes. */
function anHour(): (minute: number) => Date {
  const start = Date.UTC(2000, 0) + (Number.parseInt(randomUUID().slice(0, 8), 16) % 876_000) * 3_600_000;
  return (minute) => new Date(start + minute * 60_000);
}

function aDelivery(about: Partial<CountedDelivery> = {}): CountedDelivery {
  const key = { component: "release-coordinator", version: "23", alias: "stable", type: "order placed" };
  return { ...key, outcome: "done", attempt: { kind: "first", durationMs: 5 }, ...about };
}

function aFailure(at: Date, about: Partial<Failure> = {}): Failure {
  return {
    at,
    deliveryKey: `${about.component ?? "release-coordinator"}#${randomUUID()}#live`,
    eventId: "order-7 \u{1F600} #\n",
    component: "release-coordinator",
    version: "23",
    alias: "beta",
    because: "customer pin",
    type: "order placed",
    subject: { project: "acme/site", customer: "acme" },
    errorType: "Broken",
    message: "it broke",
    requestId: "request-1",
    ...about,
  };
}

function taken(tally: ReturnType<typeof deliveryTally> | undefined): CountsToStore {
  return tally?.take() ?? { spans: [], failures: [] };
}
