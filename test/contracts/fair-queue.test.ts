import { describe, expect, onTestFinished, test } from "vitest";
import type { EventQueue } from "../../shared/event-queue/event-queue.ts";
import { type SqliteQueueOptions, sqliteEventQueue } from "../../shared/event-queue/sqlite-event-queue.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);

function aDatabase(path = ":memory:") {
  const database = openDatabase(path);
  onTestFinished(() => void (database.connection.isOpen && database.close()));
  return database;
}
const aQueue = (options?: SqliteQueueOptions) => sqliteEventQueue(aDatabase(), options);

/** Messages of one group: `acme-0`, `acme-1`, … */
const of = (group: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ body: `${group}-${n}`, group: `customer#${group}` }));

/** The bodies of the next messages, which are hidden for a minute. */
async function next(queue: EventQueue, max: number, now: Date): Promise<string[]> {
  return (await queue.receive(max, 60_000, now)).map(({ body }) => body);
}

describe.each<[string, () => Promise<EventQueue>]>([
  ["anybody", async () => aQueue()],
  [
    "its only consumer",
    async () => {
      const queue = aQueue();
      await queue.becomeOnlyConsumer();
      return queue;
    },
  ],
])("a queue that groups share, for %s,", (_, open) => {
  test("doesn't let a message wait behind the flood of another group that came before it", async () => {
    const queue = await open();
    await queue.send(of("flood", 1_000), start);
    await queue.send(of("acme", 1), plus(1));
    await queue.send(["nobody's"], plus(1));
    const first = await next(queue, 10, plus(2));
    expect(first).toEqual(expect.arrayContaining(["acme-0", "nobody's"]));
    expect(first.filter((body) => body.startsWith("flood"))).toHaveLength(8);
  });

  test("takes turns between two floods", async () => {
    const queue = await open();
    await queue.send(of("flood", 500), start);
    await queue.send(of("other", 500), start);
    const first = await next(queue, 100, start);
    expect(first.filter((body) => body.startsWith("other"))).toHaveLength(50);
  });

  test("keeps the order within a group, and that of messages without one", async () => {
    const queue = await open();
    for (const ms of [0, 1, 2]) {
      await queue.send(
        ["flood", "acme"].flatMap((group) => of(`${group}${ms}`, 3).map(ofGroup(group))),
        plus(ms),
      );
      await queue.send([`free-${ms}`], plus(ms));
    }
    const all = await next(queue, 100, plus(3));
    expect(all).toHaveLength(21);
    for (const group of ["flood", "acme", "free"]) {
      const own = all.filter((body) => body.startsWith(group));
      expect(own).toEqual(own.toSorted());
    }
  });

  test("gives a group that alone sends all there is, at once", async () => {
    const queue = await open();
    await queue.send(of("flood", 1_000), start);
    expect(await queue.depth(start)).toEqual({ visible: 1_000, inFlight: 0, dead: 0 });
    expect(await next(queue, 1_000, start)).toEqual(of("flood", 1_000).map(({ body }) => body));
  });

  test.each([
    ["of a group", { body: "again", group: "customer#acme" }],
    ["of none", "again"],
  ])("lets a message %s that comes back take its place among the new ones", async (_, message) => {
    const queue = await open();
    await queue.send([message], start);
    const [first] = await queue.receive(1, 60_000, start);
    await queue.changeVisibility(first?.receiptHandle ?? "", 5_000, plus(10));
    await queue.send(["before"], plus(5_009));
    await queue.send(["after"], plus(5_011));
    expect(await next(queue, 10, plus(5_012))).toEqual(["before", "again", "after"]);
  });

  test("leaves what a group has sent beyond its share, when only what is in turn is asked for", async () => {
    const queue = await open();
    await queue.send(of("flood", 1_000), start);
    await queue.send(of("acme", 1), plus(1));
    const inTurn = await queue.receive(1_000, 60_000, plus(2), true);
    expect(inTurn.map(({ body }) => body)).toEqual(expect.arrayContaining(["flood-0", "acme-0"]));
    expect(inTurn.length).toBeLessThan(10);
    expect(inTurn.find(({ body }) => body === "acme-0")).toMatchObject({ group: "customer#acme" });
    expect((await queue.depth(plus(2))).visible).toBe(1_001 - inTurn.length);
    const later = await queue.receive(1_000, 60_000, plus(60_000), true);
    expect(later.length).toBe(1_001 - inTurn.length);
  });

  test("doesn't hold a group's other messages back because one of them waits for its backoff", async () => {
    const queue = await open();
    await queue.send(of("acme", 1), start);
    const [first] = await queue.receive(1, 60_000, start);
    await queue.changeVisibility(first?.receiptHandle ?? "", 30_000, start);
    await queue.send([{ body: "acme came first", group: "customer#acme" }], plus(10));
    await queue.send(of("flood", 100), plus(20));
    expect(await next(queue, 1, plus(30))).toEqual(["acme came first"]);
  });
});

const ofGroup =
  (group: string) =>
  ({ body }: { body: string }) => ({ body, group: `customer#${group}` });

describe("the dead-letter queue", () => {
  /** A live queue that gives up after two receives, and what it has given up. */
  function aPair() {
    const database = aDatabase();
    return {
      live: sqliteEventQueue(database, { maxReceiveCount: 2 }),
      dead: sqliteEventQueue(database, { name: "live-dead", maxReceiveCount: 2 }),
    };
  }

  test("gets what was received as often as it may be, with its text, id and sent time, and counts anew", async () => {
    const { live, dead } = aPair();
    const [id] = await live.send([{ body: "poison", group: "customer#acme" }], start);
    for (const receiveCount of [1, 2]) {
      const now = plus(receiveCount * 1_000);
      expect(await live.receive(10, 1_000, now)).toMatchObject([{ body: "poison", receiveCount }]);
      expect(await dead.receive(10, 1_000, now)).toEqual([]);
    }
    expect(await live.receive(10, 1_000, plus(3_000))).toEqual([]);
    expect(await live.depth(plus(3_000))).toEqual({ visible: 0, inFlight: 0, dead: 1 });
    const received = await dead.receive(10, 1_000, plus(3_000));
    expect(received).toMatchObject([{ messageId: id, body: "poison", sentAt: start, receiveCount: 1 }]);
  });

  test("gives nothing up, however often it is received, until it is deleted", async () => {
    const { live, dead } = aPair();
    await live.send(["poison"], start);
    for (const ms of [0, 1_000, 2_000]) await live.receive(1, 1_000, plus(ms));
    for (let count = 1; count <= 10; count++) {
      const now = plus(2_000 + count * 1_000);
      const [message] = await dead.receive(1, 1_000, now);
      expect(message).toMatchObject({ receiveCount: count });
      expect(await live.depth(now)).toMatchObject({ dead: 1 });
      if (count === 10) await dead.delete([message?.receiptHandle ?? ""]);
    }
    expect(await live.depth(plus(60_000))).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  test("keeps a message that its old queue's consumer deletes or hides too late", async () => {
    const { live, dead } = aPair();
    await live.send(["poison"], start);
    const handles = [];
    for (const ms of [0, 1_000, 2_000]) handles.push(...(await live.receive(1, 1_000, plus(ms))));
    await dead.receive(1, 1_000, plus(2_000));
    await live.delete(handles.map(({ receiptHandle }) => receiptHandle));
    for (const { receiptHandle } of handles) await live.changeVisibility(receiptHandle, 600_000, plus(2_000));
    expect(await dead.receive(1, 1_000, plus(3_000))).toMatchObject([{ body: "poison", receiveCount: 2 }]);
  });
});

test("two queues in one file don't see each other's messages", async () => {
  const database = aDatabase();
  const [live, outcomes] = [sqliteEventQueue(database), sqliteEventQueue(database, { name: "outcomes" })];
  await live.send(["an event"], start);
  await outcomes.send(["an outcome"], start);
  const [event] = await live.receive(10, 60_000, start);
  expect(event?.body).toBe("an event");
  await outcomes.delete([event?.receiptHandle ?? ""]);
  await outcomes.changeVisibility(event?.receiptHandle ?? "", 0, start);
  await outcomes.becomeOnlyConsumer();
  expect(await live.depth(start)).toEqual({ visible: 0, inFlight: 1, dead: 0 });
  expect(await next(outcomes, 10, start)).toEqual(["an outcome"]);
});
