import { expect, it } from "vitest";
import type { DeliveryStatus, EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import type { Effect } from "../../../shared/flows/change/change-effect.ts";
import { MAX_PAGES, previewTraffic, shareOf } from "../../../shared/flows/change/preview-traffic.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import { aRoutingTable } from "../../support/routing-table.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);

const moved = (component: string, about: Partial<Effect> = {}): Effect => {
  return { component, from: "stable", to: "beta", offBefore: false, offAfter: true, keys: [], ...about };
};
const of = (n: number, about: Partial<EventRecord> = {}) =>
  aRecord({ id: `e-${n}`, eventKey: `key-${n}`, t0: minutesAgo(n), subject: { customer: "acme" }, ...about });

async function traffic(
  records: EventRecord[],
  effects: Effect[],
  statuses: [component: string, DeliveryStatus][] = [],
) {
  const { table } = aRoutingTable();
  let asked = 0;
  const events = {
    async *records({ from, to }: { from: Date; to: Date }) {
      const page = records.filter(({ t0 }) => t0 >= from && t0 < to);
      if (page.length > 0) yield page;
    },
    deliveriesOf: async (keys: readonly string[]) => {
      asked++;
      const entries = statuses.map(([component, status]) => anEntry({ component, status }));
      return new Map(keys.map((key) => [key, entries]));
    },
  };
  const found = await previewTraffic(events, routingCache(table), () => effects, now);
  return { ...found, asked };
}

it("the last hour's events are counted at the components that had them, with those that would go elsewhere", async () => {
  const records = [of(0), of(30), of(59), of(61), of(5, { components: ["invoice"] }), of(6, { rejected: "unread" })];
  const { components, cut } = await traffic(records, [
    moved("mailer"),
    moved("invoice", { to: "stable", offAfter: false }),
  ]);
  expect(cut).toBe(false);
  expect(components).toEqual([
    { component: "mailer", events: 3, moved: 3, inFlight: 0, off: { before: 0, after: 3 } },
    { component: "invoice", events: 1, moved: 0, inFlight: 0, off: { before: 0, after: 0 } },
  ]);
});

it("deliveries of moved events are in flight while they are claimed or wait, each component's own", async () => {
  const statuses: [string, DeliveryStatus][] = [
    ["mailer", "claimed"],
    ["mailer", "failed"],
    ["mailer", "done"],
    ["mailer", "accepted"],
    ["invoice", "failed"],
  ];
  const { components } = await traffic([of(1)], [moved("mailer")], statuses);
  expect(components).toMatchObject([{ inFlight: 2 }]);
  const staying = await traffic([of(1)], [moved("mailer", { to: "stable" })], statuses);
  expect([staying.components[0]?.inFlight, staying.asked]).toEqual([0, 0]);
});

it("of more events than are looked at the newest are, and that is told", async () => {
  const { table } = aRoutingTable();
  let pages = 0;
  const events = {
    async *records() {
      for (let n = 0; n < 4; n++) {
        pages++;
        yield [of(pages)];
      }
    },
    deliveriesOf: async () => new Map(),
  };
  const { components, cut } = await previewTraffic(events, routingCache(table), () => [moved("mailer")], now);
  expect([cut, components[0]?.events, MAX_PAGES]).toEqual([true, 40, 40]);
  expect(shareOf({ ...moved("mailer"), events: 3, moved: 1, inFlight: 0, off: { before: 0, after: 0 } }, 1)).toBe(
    3_333,
  );
});
