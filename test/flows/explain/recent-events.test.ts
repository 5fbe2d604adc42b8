import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import type { StoredEvents } from "../../../shared/event-store/event-store.ts";
import { listEvents } from "../../../shared/flows/explain/list-events.ts";
import { recentEvents } from "../../../shared/flows/explain/recent-events.ts";
import { aSubjectRow } from "../../support/builders.ts";
import { aRouter, putRows } from "../../support/router.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const FROM = new Date("2026-11-20T10:00:00.000Z");
const window = { from: FROM, to: new Date(FROM.getTime() + 600_000) };
const NOW = window.to;
const plenty = { outcomes: 1_000, looked: 10_000 };

/** Records that arrived so many ms into the window, each done at one component; and how many of them were given out. */
function stored(arrivals: readonly number[], customerOf: (n: number) => string = () => "acme") {
  const all = arrivals
    .toSorted((a, b) => a - b)
    .map((ms, n) => {
      const names = { eventKey: `key-${`${n}`.padStart(5, "0")}`, id: `e-${n}` };
      return aRecord({ t0: new Date(FROM.getTime() + ms), ...names, subject: { customer: customerOf(n) } });
    });
  const calls = { read: 0, lookedUp: 0 };
  const events: StoredEvents = {
    async *records({ from, to }, _now, pageSize = 500) {
      const inWindow = all.filter(({ t0 }) => t0 >= from && t0 < to);
      for (let n = 0; n < inWindow.length; n += pageSize) {
        const page = inWindow.slice(n, n + pageSize);
        calls.read += page.length;
        yield page;
      }
    },
    async deliveriesOf(keys) {
      calls.lookedUp += keys.length;
      return new Map(keys.map((key) => [key, [entryOf(all.find(({ eventKey }) => eventKey === key) ?? aRecord())]]));
    },
  };
  return { events, calls };
}

function entryOf({ t0, eventKey }: EventRecord) {
  return anEntry({ t0, eventKey, deliveryKey: deliveryKeyOf("mailer", eventKey, "live") });
}

const idsOf = (outcomes: readonly { record: EventRecord }[]) => outcomes.map(({ record }) => record.id);

describe("the newest events", () => {
  it("come newest first, as many as are wanted, and say from when on all was looked at", async () => {
    const { events } = stored([0, 300_000, 599_000, 599_500]);
    const limits = { outcomes: 2, looked: 100 };
    const found = await recentEvents({ events }, { window, filter: {}, limits }, NOW);
    expect(idsOf(found.outcomes)).toEqual(["e-3", "e-2"]);
    expect(found).toMatchObject({ looked: 2, from: new Date(FROM.getTime() + 599_000), isAll: false });
  });

  it("are looked for no further than may be looked, with what was found until then", async () => {
    const { events, calls } = stored(
      Array.from({ length: 2_000 }, (_, n) => n * 300),
      (n) => (n % 1_000 === 999 ? "globex" : "acme"),
    );
    const limits = { outcomes: 10, looked: 500 };
    const found = await recentEvents({ events }, { window, filter: { customer: "globex" }, limits }, NOW);
    expect(idsOf(found.outcomes)).toEqual(["e-1999"]);
    expect(found.looked).toBeLessThanOrEqual(500);
    expect(found.isAll).toBe(false);
    // What doubling the look back has read in vain is bounded, too.
    expect(calls.read).toBeLessThan(1_500);
    expect(calls.lookedUp).toBe(1);
  });

  it("are looked for a second back, then twice as far each time, a page at a time", async () => {
    const { events } = stored([0]);
    const asked: [secondsBack: number, seconds: number, pageSize: number | undefined][] = [];
    const seconds = (ms: number) => ms / 1_000;
    const watched: StoredEvents = {
      ...events,
      records(span, now, pageSize) {
        const { from, to } = span;
        asked.push([seconds(window.to.getTime() - to.getTime()), seconds(to.getTime() - from.getTime()), pageSize]);
        return events.records(span, now, pageSize);
      },
    };
    const limits = { outcomes: 1, looked: 400 };
    const lastTen = { from: new Date(window.to.getTime() - 10_000), to: window.to };
    const none = await recentEvents({ events: watched }, { window: lastTen, filter: {}, limits }, NOW);
    expect(none).toEqual({ outcomes: [], looked: 0, from: lastTen.from, isAll: true });
    expect(asked).toEqual([
      [0, 1, 401],
      [1, 2, 401],
      [3, 4, 401],
      [7, 3, 401],
    ]);
    asked.length = 0;
    await recentEvents({ events: watched }, { window: lastTen, filter: {}, limits: plenty }, NOW);
    expect(asked[0]).toEqual([0, 1, 500]);
  });

  it("are looked for in a quarter of a stretch that has more than may be looked at, and as many as may be are enough", async () => {
    const { events } = stored(Array.from({ length: 11 }, (_, n) => 599_000 + n * 90));
    const limits = { outcomes: 1_000, looked: 10 };
    const found = await recentEvents({ events }, { window, filter: {}, limits }, NOW);
    // The last quarter of a second has three of them, the half before it five more, and the second before that the rest.
    expect(idsOf(found.outcomes).slice(0, 8)).toEqual([10, 9, 8, 7, 6, 5, 4, 3].map((n) => `e-${n}`));
    const all = await recentEvents({ events }, { window, filter: {}, limits: { ...limits, looked: 11 } }, NOW);
    expect(all).toMatchObject({ looked: 11, isAll: false, from: new Date(FROM.getTime() + 599_000) });
    const ten = stored(Array.from({ length: 10 }, () => 599_500));
    const exactly = await recentEvents({ events: ten.events }, { window, filter: {}, limits }, NOW);
    expect(exactly).toMatchObject({ looked: 10, from: new Date(FROM.getTime() + 599_000) });
    expect(ten.calls.read).toBe(10);
  });

  it("are none of an empty window, or where none are wanted", async () => {
    const { events, calls } = stored([599_999]);
    const empty = { from: NOW, to: NOW };
    const nothing = await recentEvents({ events }, { window: empty, filter: {}, limits: plenty }, NOW);
    expect(nothing).toEqual({ outcomes: [], looked: 0, from: NOW, isAll: true });
    for (const limits of [
      { outcomes: 0, looked: 9 },
      { outcomes: 9, looked: 0 },
    ]) {
      const found = await recentEvents({ events }, { window, filter: {}, limits }, NOW);
      expect(found).toEqual({ outcomes: [], looked: 0, from: window.to, isAll: false });
    }
    expect(calls.read).toBe(0);
  });

  it("are found in a burst of one millisecond, larger than may be looked at", async () => {
    const { events } = stored([0, ...Array.from({ length: 50 }, () => 599_999)]);
    const found = await recentEvents({ events }, { window, filter: {}, limits: { outcomes: 3, looked: 10 } }, NOW);
    expect(idsOf(found.outcomes)).toEqual(["e-50", "e-49", "e-48"]);
  });

  it("are of a cohort by the directory as it is when it is asked, which nothing else asks", async () => {
    const { events } = stored([0, 1_000, 2_000], (n) => ["acme", "globex", "acme"][n] ?? "");
    const { ports, table, calls } = await aRouter();
    const asked = { window, filter: { cohort: "staff" }, limits: plenty };
    const inStaff = () => recentEvents({ events, routing: ports.routing }, asked, NOW);
    expect((await inStaff()).outcomes).toEqual([]);
    await putRows(table, { "customer#acme": aSubjectRow({ cohorts: ["staff"] }) });
    expect(idsOf((await inStaff()).outcomes)).toEqual(["e-2", "e-0"]);
    calls.since();
    await recentEvents({ events, routing: ports.routing }, { ...asked, filter: { customer: "acme" } }, NOW);
    expect(calls.since()).toEqual([]);
  });

  it("are those of the list, backwards, whenever all of it may be looked at", async () => {
    const filters: OutcomeFilter[] = [{}, { customer: "globex" }, { status: "done" }, { status: "dead" }];
    const arrivals = fc.array(fc.integer({ min: 0, max: 599_999 }), { maxLength: 60 });
    const property = fc.asyncProperty(arrivals, fc.constantFrom(...filters), async (some, filter) => {
      const { events } = stored(some, (n) => (n % 3 === 0 ? "globex" : "acme"));
      const listed = (await Array.fromAsync(listEvents({ events }, window, filter, NOW))).flat();
      const found = await recentEvents({ events }, { window, filter, limits: plenty }, NOW);
      expect(idsOf(found.outcomes)).toEqual(idsOf(listed).reverse());
      expect(found).toMatchObject({ looked: some.length, isAll: true, from: FROM });
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
