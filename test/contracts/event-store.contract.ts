import { randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { compareRecords, type EventRecord, type RecordPlace } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import { canonical } from "../../shared/domain/text/canonical-json.ts";
import type { TimeWindow } from "../../shared/domain/text/time-window.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { describeDeliveryCounts } from "./delivery-counts.contract.ts";
import { describeDueDeliveries } from "./due.contract.ts";
import { describeLedger } from "./ledger.contract.ts";
import { describeNamedRecords } from "./named-records.contract.ts";
import { describeStoredValues } from "./stored-values.contract.ts";

export type OpenStore = {
  store: EventStore;
  /** The same store, as another router has it. */
  another: () => Promise<EventStore>;
  close: () => Promise<void>;
};

/** When windows are looked at: before anything expires. */
const NOW = new Date("2026-11-21T10:00:00.000Z");

export type Opening = {
  /** Else the store may hold what other tests have stored. */
  empty: boolean;
};

/**
 * What every event store does. Each test keeps to event keys and hours of its own.
 * @param effort how much of the usual number of random cases is tried, for a store that is slow
 */
export function describeEventStore(name: string, open: (opening: Opening) => Promise<OpenStore>, effort = 1): void {
  async function openStore(opening: Opening = { empty: false }) {
    const opened = await open(opening);
    onTestFinished(opened.close);
    return opened;
  }
  const runs = (usual: number) => ({ numRuns: Math.ceil(usual * effort) });

  describe(`an event store's records (${name})`, () => {
    test("come back with all that was known of the event", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const known = aRecord(hour(0), {
        messageId: "message-1",
        id: "event-1",
        source: "shop",
        detailType: "order placed",
        time: "2026-11-20T09:59:58Z",
        idempotencyKey: "order-7 / Ærø",
        subject: { project: "acme/site", customer: "acme #1", plan: "paid", user: "ada" },
        components: ["release-coordinator", "billing"],
        body: '{"n": 1.0}',
      });
      const unreadable = aRecord(hour(1), { subject: {}, components: [], rejected: "not JSON: Unexpected token" });
      await store.record([known, unreadable]);
      expect(await scan(store, hour.window)).toStrictEqual([known, unreadable]);
    });

    test.each([
      ["spacing and escapes", '{ "a" :1.0,\n"b":"\\u00e9\\/é","a":2}\n'],
      ["any script", "Ærø 日本 العربية 👩‍👩‍👧 \u2028\u2029 e\u0301 \ufeff \uffff"],
      ["control characters", "\u0000\u0001\t\r\n\u007f"],
      ["nothing", ""],
      ["a megabyte", `{"text":"${"é€😀".repeat(116_500)}"}`],
      ["some kilobytes", `{"text":"${"é€😀 and so on ".repeat(500)}"}`],
      ["a megabyte of chance", `{"text":"${randomBytes(780_000).toString("base64")}"}`],
    ])("keep a body with %s byte for byte", async (_what, body) => {
      const { store } = await openStore();
      const hour = anHour();
      await store.record([aRecord(hour(0), { body })]);
      const [record] = await scan(store, hour.window);
      expect(record?.body === body).toBe(true);
    });

    test("stored again change nothing, one after another or all at once", async () => {
      const { store, another } = await openStore();
      const hour = anHour();
      const records = [aRecord(hour(0)), aRecord(hour(1)), aRecord(hour(2))];
      await store.record(records);
      const other = await another();
      await Promise.all([store.record(records), other.record(records.slice(1)), other.record(records.toReversed())]);
      expect(await scan(store, hour.window)).toStrictEqual(records);
    });

    test("records of one key are replaced by the last, in one call too", async () => {
      const { store, another } = await openStore();
      const hour = anHour();
      const first = aRecord(hour(0), { components: ["billing"] });
      const second = {
        ...first,
        messageId: "second",
        body: "{ }",
        subject: { plan: "paid" },
        rejected: "for a reason",
      };
      await store.record([first]);
      await (await another()).record([second]);
      expect(await scan(store, hour.window)).toStrictEqual([second]);
      await store.record([second, first]);
      expect(await scan(store, hour.window)).toStrictEqual([first]);
    });

    test("keep their place when they are stored again without one", async () => {
      const { store, another } = await openStore();
      const hour = anHour();
      const [first, second, third] = [1, 2, 3].map((sequence) => aRecord(hour(0), { sequence })) as [
        EventRecord,
        EventRecord,
        EventRecord,
      ];
      await store.record([first, second, third]);
      const { sequence: _, ...again } = second;
      await (await another()).record([{ ...again, subject: { plan: "paid" } }, aRecord(hour(1))]);
      const placed = (await scan(store, hour.window)).slice(0, 3);
      expect(placed).toStrictEqual([first, { ...second, subject: { plan: "paid" } }, third]);
      expect(await store.find([again])).toStrictEqual([{ ...second, subject: { plan: "paid" } }]);
    });

    test("records of the same moment and event are both kept when their payloads differ", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const first = aRecord(hour(0), { body: "first" });
      const second = { ...first, payloadHash: sha256("second"), body: "second", rejected: "payload differs" };
      await store.record([first]);
      await store.record([second]);
      expect(byBody(await scan(store, hour.window))).toStrictEqual([first, second]);
    });

    test("records of one event that came twice are both kept", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const first = aRecord(hour(0));
      const again = { ...first, t0: hour(1), messageId: "another message" };
      await store.record([first, again]);
      expect(await scan(store, hour.window)).toStrictEqual([first, again]);
    });

    test("records of nothing are no error", async () => {
      const { store } = await openStore();
      await store.record([]);
      expect(await pages(store, anHour().window)).toEqual([]);
    });

    test("records of many routers at once are all kept", async () => {
      const { store, another } = await openStore();
      const stores = [store, await another()];
      const hour = anHour();
      const records = Array.from({ length: 200 }, (_, n) => aRecord(hour(n)));
      await Promise.all(batches(records, 10).map((batch, n) => stores[n % 2]?.record(batch)));
      expect(await scan(store, hour.window)).toStrictEqual(records);
    });
  });

  describe(`a window of an event store (${name})`, () => {
    test("begins with its first millisecond and ends before its last", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const records = [999, 1_000, 1_001, 1_999, 2_000].map((ms) => aRecord(hour(ms)));
      await store.record(records);
      expect(await scan(store, { from: hour(1_000), to: hour(2_000) })).toStrictEqual(records.slice(1, 4));
      expect(await scan(store, { from: hour(1_000), to: hour(1_001) })).toStrictEqual(records.slice(1, 2));
    });

    test("a window that is empty or ends before it begins has no pages", async () => {
      const { store } = await openStore();
      const hour = anHour();
      await store.record([aRecord(hour(1_000))]);
      expect(await pages(store, { from: hour(1_001), to: hour(2_000) })).toEqual([]);
      expect(await pages(store, { from: hour(1_000), to: hour(1_000) })).toEqual([]);
      expect(await pages(store, { from: hour(2_000), to: hour(0) })).toEqual([]);
    });

    test("is in order of time, whatever the order of storing", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const records = [1, 10, 100, 1_000, 59_999, 60_000, 600_000, 3_599_999].map((ms) => aRecord(hour(ms)));
      for (const n of [3, 0, 7, 5, 1, 6, 2, 4]) await store.record(records.slice(n, n + 1));
      expect(await scan(store, hour.window)).toStrictEqual(records);
    });

    test.each([1, 4, 10, 500])(
      "has what is of one moment in the order of its places, in pages of %i",
      async (pageSize) => {
        const { store, another } = await openStore();
        const hour = anHour();
        const records = Array.from({ length: 12 }, (_, n) => aRecord(hour(7), { sequence: n + 1 }));
        const [before, after] = [aRecord(hour(6), { sequence: 99 }), aRecord(hour(8), { sequence: 1 })];
        const inOrder = [before, ...records, after];
        for (const n of [7, 0, 11, 3, 9, 1, 5, 2, 10, 4, 8, 6]) await store.record(records.slice(n, n + 1));
        await store.record([after, before]);
        expect((await pages(await another(), hour.window, pageSize)).flat()).toStrictEqual(inOrder);
        for (const [n, record] of inOrder.entries()) {
          expect(await scanAfter(store, hour.window, record)).toStrictEqual(inOrder.slice(n + 1));
        }
      },
    );

    // Three of one moment, then two events of one moment that came with two payloads each.
    const moments = [0, 5, 5, 5, 6, 7, 7, 8];
    test.each([1, 2, 3, 9, 10, 11, 100])("is complete in pages of %i, also within one moment", async (pageSize) => {
      const { store } = await openStore();
      const hour = anHour();
      const records = moments.map((ms) => aRecord(hour(ms)));
      const twins = records.slice(5, 7).map((record) => ({ ...record, payloadHash: sha256("twin"), body: "twin" }));
      await store.record([...records, ...twins]);
      const found = await pages(store, hour.window, pageSize);
      for (const page of found) expect(page.length).toBeLessThanOrEqual(pageSize);
      expect(found.flat().map(({ t0 }) => t0)).toEqual([0, 5, 5, 5, 6, 7, 7, 7, 7, 8].map(hour));
      expect(asSet(found.flat())).toEqual(asSet([...records, ...twins]));
    });

    test("a window of 1,200 records of one moment is complete in pages of the usual size", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const records = Array.from({ length: 1_200 }, () => aRecord(hour(0)));
      await store.record(records);
      const found = await pages(store, hour.window);
      for (const page of found) expect(page.length).toBeLessThanOrEqual(500);
      expect(asSet(found.flat())).toEqual(asSet(records));
    });

    test("shows all that was there when it was asked for, while more is stored", async () => {
      const { store, another } = await openStore();
      const other = await another();
      const hour = anHour();
      const before = [10, 20, 30, 40].map((ms) => aRecord(hour(ms)));
      await store.record(before);
      const seen: EventRecord[] = [];
      for await (const page of store.records(hour.window, NOW, 1)) {
        seen.push(...page);
        if (seen.length === 1) await other.record([aRecord(hour(5)), aRecord(hour(25))]);
      }
      for (const record of before) expect(seen).toContainEqual(record);
      expect(asSet(seen).size).toBe(seen.length);
    });

    test("can be left before its end, and holds nothing up", async () => {
      const { store, another } = await openStore();
      const hour = anHour();
      await store.record([aRecord(hour(0)), aRecord(hour(1)), aRecord(hour(2))]);
      for await (const page of store.records(hour.window, NOW, 1)) {
        expect(page).toHaveLength(1);
        break;
      }
      await (await another()).record([aRecord(hour(3))]);
      expect(await scan(store, hour.window)).toHaveLength(4);
    });

    test("shows exactly the records between its ends, whatever was stored", async () => {
      const { store } = await openStore();
      const offset = fc.integer({ min: 0, max: 12 });
      const stored = fc.array(fc.record({ ms: offset, event: fc.nat(3), payload: fc.nat(1), body: text }), {
        maxLength: 30,
      });
      await fc.assert(
        fc.asyncProperty(stored, offset, offset, fc.integer({ min: 1, max: 8 }), async (facts, from, to, pageSize) => {
          const hour = anHour();
          const events = Array.from({ length: 4 }, () => eventKeyOf("shop", "order placed", randomUUID()));
          const records = facts.map(({ ms, event, payload, body }) =>
            aRecord(hour(ms), { eventKey: events[event] ?? "", payloadHash: sha256(`${payload}`), body }),
          );
          for (const record of records) await store.record([record]);
          const found = (await pages(store, { from: hour(from), to: hour(to) }, pageSize)).flat();
          const inside = records.filter(({ t0 }) => t0 >= hour(from) && t0 < hour(to));
          // Of one moment, event and payload there is one, the last.
          const last = new Map(inside.map((record) => [keyOf(record), record]));
          expect(new Map(found.map((record) => [keyOf(record), record]))).toEqual(last);
          expect(found).toHaveLength(last.size);
          expect(found).toEqual(found.toSorted(compareRecords));
        }),
        runs(40),
      );
    });
  });

  describe(`a window of an event store from a record on (${name})`, () => {
    test("leaves out that record and all before it, whether it is there or not", async () => {
      const { store, another } = await openStore();
      const hour = anHour();
      const records = [0, 5, 5, 5, 60_000, 60_000, 120_001].map((ms) => aRecord(hour(ms))).sort(compareRecords);
      await store.record(records);
      const other = await another();
      for (const [n, record] of records.entries()) {
        expect(await scanAfter(other, hour.window, record)).toStrictEqual(records.slice(n + 1));
      }
      const startOf = (ms: number) => ({ t0: hour(ms), eventKey: "", payloadHash: "" });
      const endOf = (ms: number) => ({ t0: hour(ms), eventKey: "g", payloadHash: "" });
      expect(await scanAfter(store, hour.window, startOf(5))).toStrictEqual(records.slice(1));
      expect(await scanAfter(store, hour.window, endOf(5))).toStrictEqual(records.slice(4));
      expect(await scanAfter(store, hour.window, startOf(-1))).toStrictEqual(records);
      expect(await scanAfter(store, hour.window, startOf(3_600_000))).toEqual([]);
      expect(await scanAfter(store, { from: hour(6), to: hour(120_000) }, startOf(5))).toStrictEqual(
        records.slice(4, 6),
      );
    });

    test("tells the payloads of one event at one moment apart", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const one = aRecord(hour(7));
      const records = ["a", "b", "c", "d"].map((body) => ({ ...one, payloadHash: sha256(body), body }));
      await store.record(records);
      const sorted = records.toSorted(compareRecords);
      for (const [n, record] of sorted.entries()) {
        expect(await scanAfter(store, hour.window, record)).toStrictEqual(sorted.slice(n + 1));
      }
    });

    test("is the rest of the window, however often and wherever it is begun anew", async () => {
      const { store } = await openStore();
      // Two minutes with many to a moment.
      const moment = fc.integer({ min: 0, max: 3 }).chain((n) => fc.constantFrom(n, 59_998 + n, 60_000 + n));
      const about = { ms: moment, event: fc.nat(5), payload: fc.nat(2), sequence: fc.nat(4) };
      const stored = fc.uniqueArray(fc.record(about), {
        maxLength: 40,
        selector: ({ ms, event, payload }) => `${ms} ${event} ${payload}`,
      });
      const visits = fc.array(fc.record({ pageSize: fc.integer({ min: 1, max: 12 }), taken: fc.nat(3) }), {
        minLength: 1,
        maxLength: 8,
      });
      await fc.assert(
        fc.asyncProperty(stored, visits, moment, async (facts, stays, from) => {
          const hour = anHour();
          const events = Array.from({ length: 6 }, () => eventKeyOf("shop", "order placed", randomUUID()));
          const records = facts.map(({ ms, event, payload, sequence }) =>
            aRecord(hour(ms), {
              eventKey: events[event] ?? "",
              payloadHash: sha256(`${payload}`),
              body: `${ms}`,
              ...(sequence > 0 && { sequence }),
            }),
          );
          await store.record(records);
          const window = { from: hour(from), to: hour(120_000) };
          const all = await scan(store, window);
          const distinct = new Map(records.map((record) => [keyOf(record), record]));
          const inside = [...distinct.values()].filter(({ t0 }) => t0 >= window.from);
          expect(all).toStrictEqual(inside.sort(compareRecords));
          // So many pages at a time, with a cursor from one visit to the next; the last one stays to the end.
          const seen: EventRecord[] = [];
          for (const { pageSize, taken } of [...stays, { pageSize: 7, taken: Number.POSITIVE_INFINITY }]) {
            let left = taken;
            for await (const page of store.records(window, NOW, pageSize, seen.at(-1))) {
              if (left === 0) break;
              left -= 1;
              expect(page.length).toBeLessThanOrEqual(pageSize);
              seen.push(...page);
            }
          }
          expect(seen).toStrictEqual(all);
        }),
        runs(60),
      );
    });

    test("goes on behind records that have expired", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const records = Array.from({ length: 9 }, (_, n) => aRecord(hour(n), n % 3 === 0 ? {} : { expiresAt: NOW }));
      await store.record(records);
      const [first, second, third] = records.filter((_, n) => n % 3 === 0);
      for (const pageSize of [1, 2, 3]) {
        const found = await Array.fromAsync(store.records(hour.window, NOW, pageSize, first));
        expect(found.flat()).toStrictEqual([second, third]);
        const none = await Array.fromAsync(store.records(hour.window, NOW, pageSize, third));
        expect(none).toEqual([]);
      }
    });
  });

  describe(`records that have expired (${name})`, () => {
    test("count as absent from their last millisecond on, whether they are removed or not", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const kept = aRecord(hour(0), { expiresAt: new Date(NOW.getTime() + 1) });
      const gone = aRecord(hour(1), { expiresAt: NOW });
      await store.record([kept, gone]);
      expect(await scan(store, hour.window)).toStrictEqual([kept]);
    });

    test("are removed, large ones too, and the others stay", async () => {
      const { store } = await openStore({ empty: true });
      const hour = anHour();
      const body = randomBytes(400_000).toString("base64");
      const days = (count: number) => new Date(NOW.getTime() + count * 86_400_000);
      const kept = [aRecord(hour(0), { body }), aRecord(hour(1))].map((one) => ({ ...one, expiresAt: days(30) }));
      await store.record([...kept, aRecord(hour(2), { body, expiresAt: days(1) })]);
      while ((await store.expire(days(3), 1)) > 0);
      expect(await scan(store, hour.window, days(3))).toStrictEqual(kept);
    });
  });

  describe(`finding records in an event store (${name})`, () => {
    test("answers every key in its place, also one that comes twice or isn't there", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const records = [0, 1, 1, 60_000].map((ms) => aRecord(hour(ms), { body: `${ms}` }));
      const large = aRecord(hour(2), { body: randomBytes(400_000).toString("base64") });
      await store.record([...records, large]);
      const [first, second] = records;
      if (first === undefined || second === undefined) throw new Error("no records");
      const keys = [second, { ...first, t0: hour(5) }, large, first, { ...first, payloadHash: sha256("x") }, second];
      expect(await store.find(keys)).toStrictEqual([second, undefined, large, first, undefined, second]);
      expect(await store.find([])).toEqual([]);
    });

    test("answers for many keys, and for keys that nothing can have", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const records = Array.from({ length: 230 }, (_, n) => aRecord(hour(n)));
      await store.record(records);
      expect(await store.find(records)).toStrictEqual(records);
      expect(await store.find([{ t0: hour(0), eventKey: "", payloadHash: "#" }])).toEqual([undefined]);
    });
  });

  describeLedger(name, openStore, runs);
  describeDueDeliveries(name, openStore, runs);
  describeNamedRecords(name, openStore, runs, { now: NOW, anHour, aRecord });
  describeDeliveryCounts(name, openStore);
  describeStoredValues(name, openStore, runs);
}

/** Any text that is well-formed Unicode. */
const text = fc.string({ unit: "binary", maxLength: 20 });

/** An hour that no other test looks at: `hour(5)` is its fifth millisecond. */
function anHour(): ((ms: number) => Date) & { window: TimeWindow } {
  const start = Date.UTC(2000, 0) + (Number.parseInt(randomUUID().slice(0, 8), 16) % 876_000) * 3_600_000;
  const hour = (ms: number) => new Date(start + ms);
  return Object.assign(hour, { window: { from: hour(0), to: hour(3_600_000) } });
}

function aRecord(t0: Date, about: Partial<Omit<EventRecord, "t0">> = {}): EventRecord {
  const idempotencyKey = randomUUID();
  return {
    t0,
    eventKey: eventKeyOf("shop", "order placed", idempotencyKey),
    payloadHash: sha256("{}"),
    messageId: randomUUID(),
    id: idempotencyKey,
    source: "shop",
    detailType: "order placed",
    time: "2026-11-20T10:00:00Z",
    idempotencyKey,
    subject: { customer: "acme" },
    components: ["release-coordinator"],
    body: "{}",
    expiresAt: new Date(NOW.getTime() + 86_400_001),
    ...about,
  };
}

function pages(store: EventStore, window: TimeWindow, pageSize?: number, now = NOW): Promise<EventRecord[][]> {
  return Array.fromAsync(store.records(window, now, pageSize));
}

async function scan(store: EventStore, window: TimeWindow, now?: Date): Promise<EventRecord[]> {
  return (await pages(store, window, undefined, now)).flat();
}

async function scanAfter(store: EventStore, window: TimeWindow, after: RecordPlace): Promise<EventRecord[]> {
  return (await Array.fromAsync(store.records(window, NOW, undefined, after))).flat();
}

function keyOf({ t0, eventKey, payloadHash }: EventRecord): string {
  return `${t0.getTime()} ${eventKey} ${payloadHash}`;
}

function asSet(records: readonly EventRecord[]): Set<string> {
  return new Set(records.map((record) => canonical({ ...record, t0: record.t0.getTime() })));
}

function byBody(records: readonly EventRecord[]): EventRecord[] {
  return records.toSorted((a, b) => (a.body < b.body ? -1 : 1));
}

function batches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
}
