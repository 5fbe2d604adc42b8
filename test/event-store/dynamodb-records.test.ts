import { randomBytes, randomUUID } from "node:crypto";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRecords, type EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { ONE_SHARD, type ShardSchedule } from "../../shared/domain/deliveries/shard-schedule.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { aheadOf, inOrder } from "../../shared/event-store/in-order.ts";
import { recordKey } from "../../shared/event-store/record-codec.ts";
import { readOnly, servedOnly } from "../support/batch-faults.ts";
import { type AboutStore, aNewEventStore, anEventStore, memoryBodyStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { answerLost, dynamodbProxy, edited, refused, requestLost } from "../support/dynamodb-proxy.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const hour = { from: start, to: plus(3_600_000) };
const DAY_MS = 86_400_000;

function aRecord(ms: number, about: Partial<EventRecord> = {}): EventRecord {
  const id = randomUUID();
  const said = { id, source: "shop", detailType: "order placed", time: start.toISOString(), idempotencyKey: id };
  const kept = { subject: {}, components: [], body: `{"n":${ms}}`, expiresAt: plus(30 * DAY_MS) };
  return { t0: plus(ms), eventKey: sha256(id), payloadHash: sha256("{}"), messageId: id, ...said, ...kept, ...about };
}

const large = () => `"${randomBytes(400_000).toString("base64")}"`;

function scan(store: EventStore, pageSize?: number, now = start): Promise<EventRecord[][]> {
  return Array.fromAsync(store.records(hour, now, pageSize));
}

withDynamoDB("records on DynamoDB", (endpoint) => {
  async function throughProxy(about?: AboutStore) {
    const proxy = await dynamodbProxy(endpoint);
    const { tableName, store: direct, client, bodies } = await aNewEventStore(endpoint, about);
    const { store, delays } = anEventStore(proxy.endpoint, tableName, { bodies, ...about });
    return { proxy, direct, store, delays, client, tableName, bodies };
  }

  it("are all stored when some are handed back, throttled or their answer is lost", async () => {
    const { proxy, direct, store, delays } = await throughProxy();
    const records = Array.from({ length: 30 }, (_, n) => aRecord(n));
    const faults = [
      servedOnly(7),
      servedOnly(0),
      refused("ThrottlingException"),
      answerLost,
      requestLost,
      servedOnly(1),
    ];
    proxy.faults("BatchWriteItem", ...faults);
    await store.record(records);
    expect((await scan(direct)).flat()).toEqual(records);
    expect(delays).toHaveLength(faults.length);
  });

  it("fail with what to do when some are handed back for good", async () => {
    const { proxy, store } = await throughProxy({ maxAttempts: 3 });
    proxy.faults("BatchWriteItem", servedOnly(1), servedOnly(0), servedOnly(0));
    await expect(store.record([aRecord(0), aRecord(1)])).rejects.toThrow(/in 3 tries.*1 of 2 items weren't written/);
  });

  it("are stored once when one call names them twice, with an order of its own", async () => {
    const { store } = await throughProxy();
    const [first, second] = [aRecord(5), aRecord(3)];
    await store.record([first, second, { ...first, messageId: "again" }, first]);
    expect((await scan(store)).flat()).toEqual([second, first]);
  });

  it("are found, however little is read at a time, and after lost answers", async () => {
    const { proxy, store } = await throughProxy();
    const records = Array.from({ length: 8 }, (_, n) => aRecord(n));
    await store.record(records);
    proxy.faults("BatchGetItem", answerLost, readOnly(3), readOnly(0));
    expect(await store.find(records)).toEqual(records);
    proxy.faults("Query", requestLost, answerLost, refused("ProvisionedThroughputExceededException"));
    expect((await scan(store)).flat()).toEqual(records);
  });

  it("records of a window fail, and aren't left out, when a part of it can't be read", async () => {
    const { proxy, store } = await throughProxy({ maxAttempts: 1 });
    await store.record([aRecord(0), aRecord(60_000)]);
    proxy.faults("Query", (forward) => forward(), requestLost);
    await expect(scan(store)).rejects.toThrow(/didn't serve the request in 1 try;/);
  });

  it("records of a minute are complete past the end of a page of DynamoDB's", async () => {
    const { proxy, store } = await throughProxy({ recordShards: [{ from: new Date(0), shards: 2 }] });
    const records = Array.from({ length: 20 }, (_, n) =>
      aRecord(n, { eventKey: sha256(`${n}`), body: `"${randomBytes(150_000).toString("base64")}"` }),
    );
    await store.record(records);
    const found = await scan(store);
    expect(found.flat()).toEqual(records);
    expect(proxy.counts().Query).toBeGreaterThan(2 * 60);
  });

  it("come in smaller pages where their bodies are large, so that memory stays flat", async () => {
    const { store } = await throughProxy();
    const records = Array.from({ length: 9 }, (_, n) => aRecord(n, { body: `"${"x".repeat(1_000_000)}"` }));
    await store.record(records);
    const found = await scan(store, 500);
    expect(found.map((page) => page.length)).toEqual([4, 4, 1]);
    expect(found.flat()).toEqual(records);
  });

  it("are found in every shard, also in the minute in which their number changes", async () => {
    const change = plus(90_500);
    const recordShards: ShardSchedule = [
      { from: new Date(0), shards: 2 },
      { from: change, shards: 9 },
      { from: plus(150_000), shards: 1 },
    ];
    const { proxy, store } = await throughProxy({ recordShards });
    const moments = [0, 89_000, 90_499, 90_500, 91_000, 149_999, 150_000, 151_000, 200_000];
    const records = moments.flatMap((ms) =>
      Array.from({ length: 20 }, (_, n) => aRecord(ms, { eventKey: sha256(`${ms} ${n}`) })),
    );
    await store.record(records);
    const found = (await scan(store)).flat();
    expect(new Set(found)).toEqual(new Set(records));
    expect(found.map(({ t0 }) => t0.getTime())).toEqual(records.map(({ t0 }) => t0.getTime()));
    expect(await store.find(records)).toEqual(records);
    // Before, in and after the minutes of the changes.
    const partitions = new Set(records.map((record) => recordKey(record, recordShards).pk));
    const shardsOf = (minute: string) => [...partitions].filter((pk) => pk.startsWith(`r#2026-11-20T${minute}`)).length;
    expect(["10:00", "10:01", "10:02", "10:03"].map(shardsOf)).toEqual([2, 9, 9, 1]);
    expect(proxy.counts().Query).toBe(2 + 9 + 9 + 57);
  });

  it("come after a cursor in the order of their keys, in every shard of every schedule", async () => {
    const { tableName } = await aNewEventStore(endpoint);
    const stored = fc.array(
      fc.record({ ms: fc.constantFrom(0, 1, 59_999, 60_000, 60_001, 90_000), payload: fc.nat(2) }),
      {
        minLength: 1,
        maxLength: 30,
      },
    );
    const shards = fc.integer({ min: 1, max: 9 });
    let hours = 0;
    await fc.assert(
      fc.asyncProperty(
        stored,
        fc.tuple(shards, shards, shards),
        fc.integer({ min: 1, max: 9 }),
        async (facts, [first, second, third], pageSize) => {
          hours += 1;
          const at = (ms: number) => plus(hours * 3_600_000 + ms);
          const recordShards: ShardSchedule = [
            { from: new Date(0), shards: first },
            { from: at(60_001), shards: second },
            { from: at(75_000), shards: third },
          ];
          const { store } = anEventStore(endpoint, tableName, { recordShards });
          const records = facts.map(({ ms, payload }) =>
            aRecord(0, { t0: at(ms), payloadHash: sha256(`${payload}`), expiresAt: new Date("2200-01-01") }),
          );
          await store.record(records);
          const window = { from: at(0), to: at(120_000) };
          const sorted = records.toSorted(compareRecords);
          expect((await Array.fromAsync(store.records(window, start, pageSize))).flat()).toEqual(sorted);
          for (const index of new Set([0, Math.floor(sorted.length / 2), sorted.length - 1])) {
            const pages = await Array.fromAsync(store.records(window, start, pageSize, sorted[index]));
            expect(pages.flat()).toEqual(sorted.slice(index + 1));
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("too large for the table stand in the body store, before their record does", async () => {
    const bodies = memoryBodyStore();
    const { proxy, store } = await throughProxy({ bodies });
    const record = aRecord(0, { body: large() });
    proxy.faults("BatchWriteItem", async (forward) => {
      expect(bodies.kept.size).toBe(1);
      return forward();
    });
    await store.record([record, aRecord(1)]);
    expect((await scan(store)).flat()[0]).toEqual(record);
    expect(await store.find([record])).toEqual([record]);
    await store.record([record]);
    expect(bodies.kept.size).toBe(1);
  });

  it("records whose table could not be written leave a body that goes when they would have gone", async () => {
    const bodies = memoryBodyStore();
    const { proxy, store } = await throughProxy({ bodies, maxAttempts: 1 });
    proxy.faults("BatchWriteItem", requestLost);
    await expect(store.record([aRecord(0, { body: large() })])).rejects.toThrow(/didn't serve/);
    expect(bodies.kept.size).toBe(1);
    expect(await store.expire(plus(31 * DAY_MS - 1), 100)).toBe(0);
    expect(await store.expire(plus(31 * DAY_MS), 100)).toBe(1);
    expect(bodies.kept.size).toBe(0);
  });

  it("records whose body could not be stored aren't stored", async () => {
    const broken = { ...memoryBodyStore(), put: () => Promise.reject(new Error("no room")) };
    const { direct, store } = await throughProxy({ bodies: broken });
    await expect(store.record([aRecord(0, { body: large() }), aRecord(1)])).rejects.toThrow("no room");
    expect(await scan(direct)).toEqual([]);
  });

  it("of an earlier layout, whose facts stand with a body that is gone, are told with what their key says", async () => {
    const bodies = memoryBodyStore();
    const { store, client, tableName } = await throughProxy({ bodies });
    const record = aRecord(0);
    const { pk, sk } = recordKey(record, ONE_SHARD);
    const Item = { pk, sk, b: "gone", expires: record.expiresAt.getTime() / 1_000 };
    await client.send(new PutCommand({ TableName: tableName, Item }));
    const { t0, eventKey, payloadHash } = record;
    const told = { t0, eventKey, payloadHash, id: eventKey, body: "", unavailable: expect.stringMatching(/gone/) };
    expect((await scan(store)).flat()).toMatchObject([told]);
  });

  it("aren't told without their bodies while the body store can't be asked", async () => {
    const bodies = memoryBodyStore();
    const { store } = await throughProxy({ bodies });
    const record = aRecord(0, { body: large() });
    await store.record([record]);
    bodies.get = async () => {
      throw new Error("no answer");
    };
    await expect(scan(store)).rejects.toThrow("no answer");
    await expect(store.find([record])).rejects.toThrow("no answer");
  });

  it("records that have expired aren't looked for in the body store", async () => {
    const bodies = memoryBodyStore();
    const { store } = await throughProxy({ bodies });
    await store.record([aRecord(0, { body: large(), expiresAt: plus(DAY_MS) })]);
    expect(await store.expire(plus(2 * DAY_MS), 100)).toBe(1);
    expect(await scan(store, 500, plus(2 * DAY_MS))).toEqual([]);
  });

  it("tell DynamoDB when it may remove them, and their deliveries too", async () => {
    const { proxy, store } = await throughProxy();
    await store.record([aRecord(0, { expiresAt: plus(DAY_MS + 1) })]);
    const [request] = proxy.requests("BatchWriteItem");
    const seconds = (start.getTime() + DAY_MS) / 1_000 + 1;
    expect(JSON.stringify(request)).toContain(`"expires":{"N":"${seconds}"}`);
  });

  it.each([
    ["half", { body: "", unavailable: expect.stringMatching(/^the record .* is damaged/) }],
    ["[1,2", { body: "", unavailable: expect.stringMatching(/^the record .* is damaged: it was cut off/) }],
    ["", { body: "", unavailable: expect.stringMatching(/^the record .* is damaged/) }],
    // What is left of it is told.
    ["[null]\n{}", { body: "{}", rejected: expect.stringMatching(/can't be read/) }],
  ])("that somebody else's hand has made %j cost the others nothing", async (text, told) => {
    const { store, client, tableName } = await throughProxy();
    const sound = aRecord(1);
    await store.record([sound]);
    const Item = { ...recordKey(aRecord(0), ONE_SHARD), e: Buffer.from(text), expires: 9_999_999_999 };
    await client.send(new PutCommand({ TableName: tableName, Item }));
    expect((await scan(store)).flat()).toMatchObject([told, { id: sound.id }]);
  });

  it("records of a batch are read again when an answer is cut in two", async () => {
    const { proxy, store } = await throughProxy();
    const record = aRecord(0);
    await store.record([record]);
    proxy.faults("BatchGetItem", async (forward) => {
      const { status, body } = await forward();
      return { status, body: body.slice(0, 40) };
    });
    proxy.faults(
      "Query",
      edited((answer) => answer),
    );
    expect(await store.find([record])).toEqual([record]);
  });
});

describe("reading ahead", () => {
  it("begins no more than it was told to, in order, and lets go of what nobody waits for", async () => {
    const begun: number[] = [];
    async function* listing(n: number) {
      begun.push(n);
      if (n === 4) throw new Error("never met");
      yield `${n}a`;
      yield `${n}b`;
    }
    const seen: string[] = [];
    for await (const one of aheadOf([1, 2, 3, 4, 5, 6], 3, listing)) {
      seen.push(one);
      if (one === "2b") break;
      expect(begun.length).toBeLessThanOrEqual(Number(one[0]) + 2);
    }
    expect(seen).toEqual(["1a", "1b", "2a", "2b"]);
    expect(begun).toEqual([1, 2, 3, 4]);
  });

  it("asks for a page while the one before it is taken, and for none of a listing that only waits for its turn", async () => {
    const asked: string[] = [];
    async function* listing(name: string) {
      for (const page of [1, 2, 3]) {
        asked.push(`${name}${page}`);
        yield ["a", "b"].map((item) => ({ sk: `${name}${page}${item}` }));
      }
    }
    const merged = inOrder([listing("x"), listing("y")]);
    const take = async () => (await merged.next()).value?.sk;
    expect([await take(), [...asked]]).toEqual(["x1a", ["x1", "y1"]]);
    expect([await take(), [...asked]]).toEqual(["x1b", ["x1", "y1", "x2"]]);
    expect([await take(), [...asked]]).toEqual(["x2a", ["x1", "y1", "x2"]]);
    const others = await Array.fromAsync(merged);
    expect(others.map(({ sk }) => sk)).toEqual("x2b x3a x3b y1a y1b y2a y2b y3a y3b".split(" "));
  });

  it("meets the error of a page when it comes to it, and not if it never does", async () => {
    async function* listing() {
      yield [{ sk: "1" }, { sk: "2" }];
      throw new Error("the second page is lost");
    }
    const seen: string[] = [];
    const all = (async () => {
      for await (const { sk } of inOrder([listing()])) seen.push(sk);
    })();
    await expect(all).rejects.toThrow("the second page is lost");
    expect(seen).toEqual(["1", "2"]);
    for await (const { sk } of inOrder([listing()])) if (sk === "2") break;
  });
});
