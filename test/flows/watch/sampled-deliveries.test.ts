import { describe, expect, it } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import type { Subject } from "../../../shared/domain/subject.ts";
import { type SampledStore, type Sampling, sampledDeliveries } from "../../../shared/flows/watch/sampled-deliveries.ts";
import { aRecord } from "../../support/builders.ts";
import { type Delivered, smallLedger } from "../../support/small-ledger.ts";

const FROM = new Date("2026-11-20T10:00:00.000Z");
const NOW = new Date("2026-11-20T11:00:00.000Z");

/** What is read of a store that has an event each second, in pages of so many, by one look into one stretch of the hour. */
async function reads(components: string[], { random = 0, each = 5, pageSize = 5 } = {}) {
  const windows: number[] = [];
  let read = 0;
  const store: SampledStore = {
    async *records({ from, to }): AsyncGenerator<EventRecord[]> {
      windows.push((from.getTime() - FROM.getTime()) / 1_000);
      for (let at = from.getTime(); at < to.getTime(); at += 1_000 * pageSize) {
        read += pageSize;
        yield Array.from({ length: pageSize }, (_, n) => aRecord({ id: `${at}-${n}`, t0: new Date(at), components }));
      }
    },
    deliveries: async (keys) => keys.map(() => undefined),
  };
  const sampling = { stretches: 1, each, component: "mailer" };
  const window = { from: FROM, to: new Date(NOW.getTime() + 1) };
  await Array.fromAsync(sampledDeliveries(store, window, NOW, () => random, sampling));
  return { windows, read };
}

it("no more is read of a stretch than is asked for, from where chance begins in it", async () => {
  expect(await reads(["mailer"], { random: 0.5 })).toEqual({ windows: [1_800], read: 5 });
});

it("a stretch in which a component has hardly any is given up after ten times as many, before and behind", async () => {
  expect(await reads(["invoice"], { random: 0.5 })).toEqual({ windows: [1_800, 0], read: 2 * 50 });
});

/** What is sampled of an hour's deliveries, by the numbers of their events, and what was read for it. */
async function sampled(
  deliveries: Delivered[],
  about: Partial<Sampling> = {},
  { random = 0, to = NOW, now = NOW } = {},
) {
  const ledger = smallLedger(deliveries);
  const sampling = { stretches: 6, each: 2, ...about };
  const found = await Array.fromAsync(sampledDeliveries(ledger, { from: FROM, to }, now, () => random, sampling));
  const seconds = (at: Date) => (at.getTime() - FROM.getTime()) / 1_000;
  return {
    found,
    numbers: found.map(({ record }) => Number(record.eventKey.slice("event-".length))),
    read: ledger.asked.records.map(({ from, to: end, most }) => [seconds(from), seconds(end), most]),
  };
}

const at = (minutes: number) => new Date(FROM.getTime() + minutes * 60_000);

describe("a sample of deliveries", () => {
  it("takes some from each stretch, begun where chance says, and then from before that", async () => {
    const { numbers, read } = await sampled(
      [4, 6, 7, 8, 14, 16].map((minute) => ({ sent: at(minute) })),
      { stretches: 2, each: 3, component: "mailer" },
      { random: 0.5, to: at(20) },
    );
    expect(read).toEqual([
      [300, 600, 3],
      [900, 1_200, 3],
      [600, 900, 2],
      // Of the one that has more, as many as the other lacks.
      [300, 600, 4],
      [0, 300, 1],
    ]);
    expect(numbers.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("reads no part of a stretch that is empty, and once where each has enough", async () => {
    const { read, numbers } = await sampled(
      Array.from({ length: 60 }, (_, minute) => ({ sent: at(minute) })),
      { stretches: 3, each: 2, component: "mailer" },
    );
    expect(read).toEqual([
      [0, 1_200, 2],
      [1_200, 2_400, 2],
      [2_400, 3_600, 2],
    ]);
    expect(numbers).toEqual([0, 1, 20, 21, 40, 41]);
  });

  it("goes on with the stretches that have as many as were asked for, where others have fewer", async () => {
    const inFirst = Array.from({ length: 9 }, (_, n) => ({ sent: at(n) }));
    expect((await sampled(inFirst, { stretches: 2, each: 3 })).numbers).toEqual([0, 1, 2, 3, 4, 5]);
    const two = [...inFirst, ...[21, 22, 23, 24, 25].map((minute) => ({ sent: at(minute) }))];
    // Three are wanting of nine, of the two that have more.
    expect((await sampled(two, { stretches: 3, each: 3 })).numbers.toSorted((a, b) => a - b)).toEqual([
      ...[0, 1, 2, 3, 4],
      ...[9, 10, 11, 12, 13],
    ]);
    expect((await sampled(inFirst.slice(0, 2), { stretches: 2, each: 3 })).read).toHaveLength(2);
  });

  it("looks into ten stretches at once, each once", async () => {
    const { read } = await sampled([], { stretches: 25, each: 1 });
    expect(read).toHaveLength(25);
  });

  it("ends with now, and is nothing of a time that has no length", async () => {
    const { read } = await sampled([], { stretches: 1, each: 1 }, { to: at(90), now: at(30) });
    expect(read).toEqual([[0, 1_800.001, 1]]);
    expect((await sampled([{ sent: FROM }], {}, { to: FROM })).read).toEqual([]);
    expect((await sampled([{ sent: FROM }], {}, { to: at(-1) })).read).toEqual([]);
  });

  it("is of first attempts that have ended, each delivery once", async () => {
    const same = { eventKey: "event-0" };
    const { numbers, found } = await sampled([
      { sent: at(1), outcome: "failed" },
      { sent: at(1), record: same },
      { sent: at(12), outcome: "outcome missing" },
      { sent: at(12), outcome: "accepted" },
      { sent: at(22), entry: { payloadHash: "another" } },
      { sent: at(22), entry: { generation: "replay-1" } },
    ]);
    expect(numbers).toEqual([0]);
    expect(found[0]).toMatchObject({ first: { outcome: "failed" }, entry: { component: "mailer" } });
    expect(found[0]).not.toHaveProperty("isMissing");
  });

  it("has those without an outcome where they are asked for", async () => {
    const missing = { attempt: 2, at: at(2), outcome: "outcome missing" as const };
    const postponed = { attempt: 1, at: at(1), outcome: "postponed" as const };
    const { found } = await sampled(
      [
        { sent: at(1), entry: { attempts: [postponed, missing] } },
        { sent: at(2), outcome: "accepted" },
        { sent: at(12), outcome: "lease lapsed" },
      ],
      { withMissing: true },
    );
    expect(found).toMatchObject([{ first: missing, isMissing: true }]);
  });

  it("is of one component where that is asked for, and otherwise of all that an event went to", async () => {
    const both = { record: { components: ["invoice", "mailer"] } };
    const deliveries = [
      { sent: at(1), ...both },
      { sent: at(12), component: "invoice" },
    ];
    expect((await sampled(deliveries)).numbers).toEqual([0, 1]);
    expect((await sampled(deliveries, { component: "mailer" })).numbers).toEqual([0]);
    expect((await sampled(deliveries, { component: "invoice" })).numbers).toEqual([1]);
  });

  it("is about those who are asked for, of whom no more than so many are looked through", async () => {
    const isOne = ({ customer }: Subject) => customer === "acme";
    const others = Array.from({ length: 40 }, (_, n) => ({ sent: new Date(FROM.getTime() + n), customer: "globex" }));
    const theirs = { sent: new Date(FROM.getTime() + 40) };
    const of = (lookedAt: number) =>
      sampled([...others, theirs], { stretches: 1, each: 1, component: "mailer", about: { isOne, lookedAt } });
    expect((await of(41)).numbers).toEqual([40]);
    expect((await of(41)).read).toEqual([[0, 3_600, 41]]);
    expect((await of(20)).numbers).toEqual([]);
    const many = Array.from({ length: 100 }, (_, n) => ({ sent: new Date(FROM.getTime() + n), customer: "globex" }));
    const last = { sent: new Date(FROM.getTime() + 100) };
    const about = { isOne, lookedAt: 101 };
    expect((await sampled([...many, last], { stretches: 1, each: 1, about })).numbers).toEqual([100]);
    expect((await of(200)).read).toEqual([[0, 3_600, 100]]);
  });
});
