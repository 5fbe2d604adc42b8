import { expect, it } from "vitest";
import type { Attempt, EventRecord, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { newWatch, type Watch } from "../../../shared/domain/health/watch.ts";
import { recountVersion } from "../../../shared/flows/watch/recount-version.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const MAILER = "mailer";
const FROM = new Date("2026-11-20T10:00:00.000Z");
const NOW = new Date("2026-11-20T10:30:00.000Z");

const at = (minute: number, second = 0) => new Date(FROM.getTime() + minute * 60_000 + second * 1_000);

/** A delivery as the ledger has it: by default the guarded version's, done at once. */
type Delivered = {
  sent: Date;
  ran?: Date;
  version?: string;
  outcome?: Attempt["outcome"];
  durationMs?: number;
  customer?: string;
  type?: string;
  entry?: Partial<LedgerEntry>;
};

/** A ledger of these, one event each, in pages of at most so many. */
function ledgerOf(deliveries: readonly Delivered[], pageSize = 500) {
  const all = deliveries.map((delivered, n): [EventRecord, LedgerEntry] => {
    const { sent, ran = sent, version = "24", outcome = "done", durationMs = 5, customer = `c-${n}` } = delivered;
    const eventKey = `event-${n}`;
    const first = { attempt: 1, at: ran, outcome, version, durationMs };
    const record = aRecord({ t0: sent, eventKey, subject: { customer }, detailType: delivered.type ?? "order placed" });
    return [record, anEntry({ eventKey, alias: "beta", attempts: [first], ...delivered.entry })];
  });
  return {
    async *records({ from, to }: { from: Date; to: Date }) {
      const found = all.flatMap(([record]) => (record.t0 >= from && record.t0 < to ? [record] : []));
      for (let n = 0; n < found.length; n += pageSize) yield found.slice(n, n + pageSize);
    },
    async deliveriesOf(keys: readonly string[]) {
      const asked = new Set(keys);
      return Map.groupBy(
        all.map(([, entry]) => entry).filter(({ eventKey }) => asked.has(eventKey)),
        ({ eventKey }) => eventKey,
      );
    },
  };
}

function aWatch(about: Partial<Watch> = {}): Watch {
  return { ...newWatch({ component: MAILER, alias: "beta", version: "24" }, FROM, FROM), ...about };
}

async function recounted(deliveries: readonly Delivered[], { watch = aWatch(), stable = "22" } = {}) {
  return recountVersion(ledgerOf(deliveries), watch, stable, NOW);
}

async function triedBy(deliveries: readonly Delivered[], about = {}) {
  const { failed } = (await recounted(deliveries, about)).meters;
  return [failed.own.tried, failed.stable.tried];
}

const ofStable = { version: "22", entry: { alias: "stable" } };

it("a version's first attempts and stable's beside it are counted from the ledger, and whom it has failed for", async () => {
  const { meters, customers, isWhole } = await recounted([
    { sent: at(1), outcome: "failed", customer: "acme" },
    { sent: at(1, 20), outcome: "failed", customer: "acme" },
    { sent: at(1, 40), outcome: "failed", customer: "globex" },
    { sent: at(2) },
    { sent: at(2, 1), outcome: "dead", customer: "acme" },
    { sent: at(1), ...ofStable },
    { sent: at(1, 30), ...ofStable, outcome: "failed" },
    { sent: at(2), ...ofStable },
  ]);
  expect(isWhole).toBe(true);
  expect(customers).toEqual(['["acme"]', '["globex"]']);
  expect(meters.failed).toMatchObject({
    own: { tried: 5, failed: 4 },
    // Acme's two of the first minute are one burst.
    bursts: { tried: 4, failed: 3 },
    stable: { tried: 3, failed: 1 },
    stretches: 2,
  });
});

it("stable is compared in the minutes and types that the version has had", async () => {
  const own = { sent: at(3, 10) };
  expect(await triedBy([own, { sent: at(3, 50), ...ofStable }])).toEqual([1, 1]);
  expect(await triedBy([own, { sent: at(4, 0), ...ofStable }])).toEqual([1, 0]);
  expect(await triedBy([own, { sent: at(3, 50), ...ofStable, type: "order paid" }])).toEqual([1, 0]);
});

it("what was slow is counted where it is known what that is", async () => {
  const slow = { aboveMs: 100, at: FROM.toISOString() };
  const deliveries = [
    { sent: at(1), durationMs: 5 },
    { sent: at(1), durationMs: 400 },
    { sent: at(1), durationMs: 400 },
    { sent: at(1), ...ofStable, durationMs: 400 },
    { sent: at(1), ...ofStable },
  ];
  expect((await recounted(deliveries, { watch: aWatch({ slow }) })).meters.slower).toMatchObject({
    own: { tried: 3, failed: 2 },
    stable: { tried: 2, failed: 1 },
  });
  expect((await recounted(deliveries)).meters.slower).toMatchObject({ own: { tried: 0 }, stable: { tried: 0 } });
});

it("an attempt of which nobody knows how long it took isn't slow", async () => {
  const slow = { aboveMs: 100, at: FROM.toISOString() };
  const unknown = { attempt: 1, at: at(1), outcome: "done", version: "24" } as const;
  const deliveries = [{ sent: at(1) }, { sent: at(1), entry: { attempts: [unknown] } }];
  const { meters } = await recounted(deliveries, { watch: aWatch({ slow }) });
  expect(meters).toMatchObject({ failed: { own: { tried: 2 } }, slower: { own: { tried: 1, failed: 0 } } });
});

it("a recount begins from nothing, whatever was added up before", async () => {
  const counted = { tried: 90, failed: 90 };
  const { meters } = aWatch();
  const stored = { ...meters, failed: { ...meters.failed, own: counted, bursts: counted, stretches: 9 } };
  const { meters: found } = await recounted([{ sent: at(1) }], { watch: aWatch({ meters: stored }) });
  expect(found.failed).toMatchObject({ own: { tried: 1, failed: 0 }, stretches: 0 });
});

it.each([
  ["another component's", { entry: { component: "invoice" } }],
  ["another version's behind its alias", { version: "23" }],
  ["its own behind another alias", { entry: { alias: "branch" } }],
  ["a replay's", { entry: { generation: "replay-1" as const } }],
  ["one that has no answer", { outcome: "lease lapsed" as const }],
  ["one that was only handed over so far", { outcome: "accepted" as const }],
])("%s deliveries aren't counted", async (_, about) => {
  expect(await triedBy([{ sent: at(1) }, { sent: at(1), ...about }])).toEqual([1, 0]);
});

it("stable's version counts as stable behind whatever alias it runs", async () => {
  expect(await triedBy([{ sent: at(1) }, { sent: at(1), version: "22" }])).toEqual([1, 1]);
});

it("a version that stable points at, too, isn't compared with itself", async () => {
  const everywhere = [{ sent: at(1) }, { sent: at(1), entry: { alias: "stable" } }];
  expect(await triedBy(everywhere, { stable: "24" })).toEqual([1, 0]);
});

it("a recount counts from the moment at which the watch begins, also events that waited up to five minutes by then", async () => {
  expect(await triedBy([{ sent: at(0) }])).toEqual([1, 0]);
  expect(await triedBy([{ sent: at(-1), ran: at(0, -1) }])).toEqual([0, 0]);
  expect(await triedBy([{ sent: at(-5), ran: at(0) }])).toEqual([1, 0]);
  expect(await triedBy([{ sent: at(-6), ran: at(0) }])).toEqual([0, 0]);
  expect(await triedBy([{ sent: NOW }])).toEqual([1, 0]);
});

it("an event that is stored twice has been delivered once", async () => {
  const ledger = ledgerOf([{ sent: at(1), outcome: "failed" }]);
  const twice = {
    ...ledger,
    async *records(window: { from: Date; to: Date }) {
      for await (const page of ledger.records(window)) yield* [page, page];
    },
  };
  expect((await recountVersion(twice, aWatch(), "22", NOW)).meters.failed.own).toEqual({ tried: 1, failed: 1 });
});

it("of more than 50,000 events those of the newest time are counted that has about half as many", async () => {
  const minutes = (count: number, perMinute: number) =>
    Array.from({ length: count * perMinute }, (_, n) => ({ sent: at(0, (n * 60) / perMinute) }));
  const few = await recountVersion(ledgerOf(minutes(29, 1_700), 10_000), aWatch(), "22", NOW);
  expect(few).toMatchObject({ isWhole: true, meters: { failed: { own: { tried: 49_300 } } } });
  // 50,000 come in the first 25 minutes: counted are the last 12 and a half, in whole minutes.
  const many = await recountVersion(ledgerOf(minutes(30, 2_000), 10_000), aWatch(), "22", NOW);
  expect(many).toMatchObject({ isWhole: false, meters: { failed: { own: { tried: 26_000 } } } });
  // All at once: of the last minute at least half.
  const burst = Array.from({ length: 50_000 }, () => ({ sent: at(0) }));
  const last = { sent: at(29, 30) };
  const newest = await recountVersion(ledgerOf([...burst, last], 10_000), aWatch(), "22", NOW);
  expect(newest).toMatchObject({ isWhole: false, meters: { failed: { own: { tried: 1 } } } });
});

it("what was taken before a time and has had no outcome is missing, under the version's alias or stable's", async () => {
  const lost = { outcome: "accepted", version: "24" } as const;
  const lacking = { stableAlias: "stable", takenBefore: at(10) };
  const stable = { entry: { alias: "stable" } };
  const lackedOf = async (deliveries: readonly Delivered[]) => {
    const { meters, customers } = await recountVersion(ledgerOf(deliveries), aWatch(), "22", NOW, lacking);
    const { own, stable: beside } = meters.missing;
    return { own, beside, customers };
  };
  const base: Delivered[] = [
    { sent: at(10), ...lost, customer: "acme" },
    { sent: at(10), customer: "acme" },
  ];
  const expected = { own: { tried: 2, failed: 1 }, beside: { tried: 0, failed: 0 }, customers: ['["acme"]'] };
  expect(await lackedOf(base)).toEqual(expected);
  for (const about of [{ sent: at(10, 1) }, { sent: at(-1) }, { sent: at(9), entry: { alias: "branch" } }]) {
    expect((await lackedOf([...base, { ...lost, ...about }])).own).toEqual(expected.own);
  }
  expect((await lackedOf([...base, { sent: at(0), ...lost }])).own).toEqual({ tried: 3, failed: 2 });
  expect((await lackedOf([...base, { sent: at(10), outcome: "lease lapsed" }])).own).toEqual(expected.own);
  expect((await lackedOf([...base, { sent: at(10), ...lost, ...stable }, { sent: at(10), ...stable }])).beside).toEqual(
    {
      tried: 2,
      failed: 1,
    },
  );
});
