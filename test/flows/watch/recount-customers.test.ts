import { expect, it } from "vitest";
import { newWatch } from "../../../shared/domain/health/watch.ts";
import { recountCustomers } from "../../../shared/flows/watch/recount-customers.ts";
import { type Delivered, smallLedger } from "../../support/small-ledger.ts";

const FROM = new Date("2026-11-20T10:00:00.000Z");
const NOW = new Date("2026-11-20T10:30:00.000Z");
const at = (minutes: number) => new Date(FROM.getTime() + minutes * 60_000);
const watch = newWatch({ component: "mailer", alias: "beta", version: "2" }, FROM, FROM);

async function counted(deliveries: Delivered[]) {
  const found = (await recountCustomers(smallLedger(deliveries), watch, ["customer#acme"], NOW)).get("customer#acme");
  return [...(found?.values() ?? [])].map(({ tried, failed, bursts }) => [tried, failed, bursts]);
}

it("a customer's first attempts on a version are counted by minute and type, with the bursts of those that failed", async () => {
  const failed = { outcome: "failed" } as const;
  expect(
    await counted([
      ...[{ sent: at(1), ...failed }, { sent: at(1.5), ...failed }, { sent: at(1.9) }],
      ...[
        { sent: at(1), type: "paid" },
        { sent: at(2), ...failed },
      ],
    ]),
  ).toEqual([
    [3, 2, 1],
    [1, 0, 0],
    [1, 1, 1],
  ]);
});

it.each<[string, Partial<Delivered>]>([
  ["another customer's", { customer: "globex" }],
  ["another component's", { component: "invoice" }],
  ["of an event that went elsewhere as well, there", { component: "invoice", record: { components: ["mailer"] } }],
  ["another version's", { version: "1" }],
  ["behind another alias", { alias: "stable" }],
  ["from before the watch", { sent: at(-1) }],
  ["of an event from more than five minutes before it", { sent: at(-5.01), ran: at(1) }],
  ["without an end", { outcome: "accepted" }],
])("attempts %s aren't counted", async (_, about) => {
  expect(await counted([{ sent: at(1) }, { sent: at(1), ...about }])).toEqual([[1, 0, 0]]);
});

it("attempts of events that waited for up to five minutes are counted, and those of this moment", async () => {
  expect(await counted([{ sent: at(-5), ran: at(0) }, { sent: NOW }])).toEqual([
    [1, 0, 0],
    [1, 0, 0],
  ]);
});

it("an event that is stored twice has been delivered once", async () => {
  const ledger = smallLedger([{ sent: at(1) }]);
  const records = async function* (...window: Parameters<typeof ledger.records>) {
    for await (const page of ledger.records(...window)) yield* [page, page];
  };
  const found = await recountCustomers({ ...ledger, records }, watch, ["customer#acme"], NOW);
  expect([...(found.get("customer#acme")?.values() ?? [])]).toMatchObject([{ tried: 1 }]);
});

it("of more than 50,000 events those of the newest time are counted that has about half as many", async () => {
  const [first] = (
    await Array.fromAsync(smallLedger([{ sent: at(0) }]).records({ from: at(0), to: at(1) }, NOW))
  ).flat();
  if (first === undefined) expect.unreachable();
  const windows: string[] = [];
  const asked = async (perPage: number, pages: number, minutesEach: number) => {
    windows.length = 0;
    const events = {
      async *records({ from, to }: { from: Date; to: Date }) {
        windows.push(from.toISOString().slice(11, 19));
        expect(to.getTime()).toBe(NOW.getTime() + 1);
        if (windows.length > 1) return;
        for (let n = 1; n <= pages; n++) {
          yield Array.from({ length: perPage }, () => ({ ...first, components: [], t0: at(n * minutesEach) }));
        }
      },
      deliveriesOf: async () => new Map(),
    };
    await recountCustomers(events, watch, ["customer#acme"], NOW);
    return [...windows];
  };
  expect(await asked(9_999, 5, 2)).toEqual(["09:55:00"]);
  // 50,000 came in ten minutes: those of the last five are counted, and of events from five minutes before.
  expect(await asked(10_000, 6, 2)).toEqual(["09:55:00", "10:20:00"]);
  expect(await asked(10_000, 6, 0)).toEqual(["09:55:00", "10:24:30"]);
});

it("several are told apart in one reading, each with their own, and whoever has none has nothing", async () => {
  const ledger = smallLedger([
    { sent: at(1), outcome: "failed" },
    { sent: at(1), customer: "globex" },
    { sent: at(1), customer: "globex" },
    { sent: at(1), customer: "initech" },
  ]);
  const found = await recountCustomers(ledger, watch, ["customer#acme", "customer#globex", "customer#umbrella"], NOW);
  const told = [...found].map(([who, own]) => [who, [...own.values()].map(({ tried, failed }) => [tried, failed])]);
  expect(told).toEqual([
    ["customer#acme", [[1, 1]]],
    ["customer#globex", [[2, 0]]],
    ["customer#umbrella", []],
  ]);
  expect(ledger.asked.records).toHaveLength(1);
});
