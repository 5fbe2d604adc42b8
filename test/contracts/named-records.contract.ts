import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deliveredKey } from "../../shared/domain/deliveries/delivered-event.ts";
import { compareRecords, type EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { isCalled, isCalledLike } from "../../shared/domain/deliveries/record-names.ts";
import type { TimeWindow } from "../../shared/domain/text/time-window.ts";
import type { EventStore, NamedLimits, NamedRecords } from "../../shared/event-store/event-store.ts";
import { namedAmong } from "../../shared/event-store/named-records.ts";

type Hour = ((ms: number) => Date) & { window: TimeWindow };

/** What a search by name finds, and how far back it looks, in whatever way a store does it. */
export function describeNamedRecords(
  name: string,
  openStore: (opening?: { empty: boolean }) => Promise<{ store: EventStore }>,
  runs: (usual: number) => { numRuns: number },
  { now, anHour, aRecord }: { now: Date; anHour(): Hour; aRecord(t0: Date, about?: Partial<EventRecord>): EventRecord },
): void {
  describe(`finding records by name in an event store (${name})`, () => {
    const ALL: NamedLimits = { found: 100, looked: 1_000 };

    test("finds those that go by the very name, and only where none does those that begin so", async () => {
      const { store } = await openStore();
      const hour = anHour();
      const about = { id: "order-1", idempotencyKey: "key-1" };
      const [older, other, newer] = [
        aRecord(hour(0), about),
        aRecord(hour(20_000), { id: "order-12", idempotencyKey: "key-12" }),
        aRecord(hour(40_000), { id: "order-13", idempotencyKey: "order-1 again" }),
      ];
      await store.record([older, other, newer]);
      const find = async (wanted: string) => (await store.named(wanted, hour.window, now, ALL)).records;
      for (const wanted of ["order-1", "key-1", older.eventKey, deliveredKey(older.eventKey, "live")]) {
        expect(await find(wanted)).toStrictEqual([older]);
      }
      // However many begin so: there is room for one.
      const one = await store.named("order-1", hour.window, now, { ...ALL, found: 1 });
      expect(one.records).toStrictEqual([older]);
      expect(await find("order-")).toStrictEqual([newer, other, older]);
      expect(await find("key-")).toStrictEqual([other, older]);
      expect(await find(newer.eventKey.slice(0, 20))).toStrictEqual([newer]);
    });

    test("finds nothing in what else is known of an event, or beyond the window, or expired", async () => {
      const { store } = await openStore();
      const hour = anHour();
      await store.record([
        aRecord(hour(0), { id: "too old" }),
        aRecord(hour(10), { source: 'wanted", "id":"wanted', subject: { customer: "wanted" }, detailType: "wanted" }),
        aRecord(hour(11), { messageId: "wanted", body: '{"id":"wanted"}', components: ["wanted"], id: "not wanted" }),
        aRecord(hour(12), { id: "wanted", expiresAt: now }),
        aRecord(hour(20), { id: "too new" }),
      ]);
      for (const wanted of ["wanted", "too", "%", "_", "*"]) {
        const window = { from: hour(5), to: hour(20) };
        expect(await store.named(wanted, window, now, ALL)).toStrictEqual({ records: [], from: window.from });
      }
    });

    test("finds what one who reads all of it finds, and has looked as far back as it says", async () => {
      const { store } = await openStore();
      const part = fc.constantFrom("a", '"', "\\", "😀", "\u0001", "'");
      const someName = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(""));
      const event = fc.record({ ms: fc.constantFrom(0, 1, 2, 9_999, 60_000, 61_000), id: someName, key: someName });
      const stored = fc.array(event, { maxLength: 25 });
      await fc.assert(
        fc.asyncProperty(stored, someName, fc.nat(30), async (events, wanted, looked) => {
          const hour = anHour();
          const records = events.map(({ ms, id, key }, n) =>
            aRecord(hour(ms), { id, idempotencyKey: key, eventKey: eventKeyOf("shop", `${n}`, randomUUID()) }),
          );
          await store.record(records);
          const limits = { found: 100, looked: looked + 1 };
          const byStore = await store.named(wanted, hour.window, now, limits);
          check(byStore, records, wanted, hour.window, limits);
          // One window before the other, as it is done where nothing is quicker.
          check(await namedAmong(store, wanted, hour.window, now, limits), records, wanted, hour.window, limits);
          const few = await store.named(wanted, hour.window, now, { ...limits, found: 2 });
          expect(few.records).toStrictEqual(byStore.records.slice(0, 2));
        }),
        runs(50),
      );
    });
  });
}

function check(
  { records, from }: NamedRecords,
  all: EventRecord[],
  wanted: string,
  window: TimeWindow,
  limits: NamedLimits,
) {
  const seen = all.filter(({ t0 }) => t0 >= from).sort((a, b) => compareRecords(b, a));
  const called = seen.filter((record) => isCalled(record, wanted));
  expect(records).toStrictEqual(called.length > 0 ? called : seen.filter((record) => isCalledLike(record, wanted)));
  const isEnough = called.length > 0 || seen.length >= limits.looked || from.getTime() === window.from.getTime();
  expect(isEnough).toBe(true);
}
