import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { PLACES_AT_ONCE } from "../../shared/event-queue/message-places.ts";
import { sqliteEventQueue } from "../../shared/event-queue/sqlite-event-queue.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { onOtherThread } from "../support/other-thread.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeEventQueue } from "./event-queue.contract.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const later = new Date("2026-11-20T10:01:00.000Z");

describeEventQueue("SQLite in memory", async (maxReceiveCount) => {
  const database = openDatabase(":memory:");
  return {
    queue: sqliteEventQueue(database, { maxReceiveCount }),
    another: async () => sqliteEventQueue(database, { maxReceiveCount }),
    close: async () => database.close(),
  };
});

describeEventQueue("SQLite on disk", async (maxReceiveCount) => {
  const path = join(temporaryFolder(), "state.db");
  const databases = [openDatabase(path)];
  const open = (database = openDatabase(path)) => {
    databases.push(database);
    return sqliteEventQueue(database, { maxReceiveCount });
  };
  return {
    queue: open(databases.pop()),
    another: async () => open(),
    close: async () => {
      for (const database of databases) database.close();
    },
  };
});

describeEventQueue("SQLite, for the only consumer", async (maxReceiveCount) => {
  const database = openDatabase(":memory:");
  const queue = sqliteEventQueue(database, { maxReceiveCount });
  await queue.becomeOnlyConsumer();
  return {
    queue,
    another: async () => sqliteEventQueue(database, { maxReceiveCount }),
    close: async () => database.close(),
  };
});

describe("the queue in the state file", () => {
  function open(path: string) {
    const database = openDatabase(path);
    onTestFinished(() => void (database.connection.isOpen && database.close()));
    return { database, queue: sqliteEventQueue(database) };
  }

  test("goes on where it was when it is opened again: handles, counts and hidden messages", async () => {
    const path = join(temporaryFolder(), "state.db");
    const before = open(path);
    await before.queue.send(["hidden", "deleted"], now);
    const received = await before.queue.receive(2, 60_000, now);
    before.database.close();

    const { queue } = open(path);
    expect(await queue.receive(10, 60_000, now)).toEqual([]);
    await queue.delete(received.filter(({ body }) => body === "deleted").map(({ receiptHandle }) => receiptHandle));
    expect(await queue.receive(10, 60_000, later)).toMatchObject([{ body: "hidden", sentAt: now, receiveCount: 2 }]);
  });

  test("takes messages from another process while this one receives", async () => {
    const path = join(temporaryFolder(), "state.db");
    const { queue } = open(path);
    const sending = onOtherThread<string[]>(
      `const { openDatabase } = await load("shared/sqlite/database.ts");
       const { sqliteEventQueue } = await load("shared/event-queue/sqlite-event-queue.ts");
       const database = openDatabase(data.path);
       const queue = sqliteEventQueue(database);
       const ids = [];
       for (let n = 0; n < 30; n++) ids.push(...(await queue.send(["a", "b", "c", "d", "e"], data.now)));
       database.close();
       return ids;`,
      { path, now },
    );
    const received: string[] = [];
    while (received.length < 150) {
      const messages = await queue.receive(10, 60_000, now);
      await queue.delete(messages.map(({ receiptHandle }) => receiptHandle));
      received.push(...messages.map(({ messageId }) => messageId));
    }
    expect(received.sort()).toEqual((await sending).sort());
    expect(await queue.depth(now)).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  test("stores all messages of a send or none when the disk is full", async () => {
    const { database, queue } = open(join(temporaryFolder(), "state.db"));
    const pages = Number(database.connection.prepare("PRAGMA page_count").get()?.page_count);
    database.connection.exec(`PRAGMA max_page_count = ${pages + 4}`);
    await expect(queue.send(["fits", "x".repeat(100_000), "fits"], now)).rejects.toThrow(/the disk is full/);
    expect(await queue.depth(now)).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  test("releases every hidden message for the only consumer", async () => {
    const { queue } = open(":memory:");
    await queue.send(["a", "b", "c"], now);
    const [done] = await queue.receive(2, 60_000, now);
    await queue.becomeOnlyConsumer();
    expect(await queue.depth(now)).toEqual({ visible: 3, inFlight: 0, dead: 0 });
    const again = await queue.receive(3, 60_000, now);
    expect(again.map(({ receiveCount }) => receiveCount).sort()).toEqual([1, 2, 2]);
    await queue.delete([done?.receiptHandle ?? ""]);
    expect(await queue.depth(now)).toEqual({ visible: 0, inFlight: 3, dead: 0 });
  });

  test.each(["", ":", "1", "x:y", "99:1", "1:1 OR 1"])("ignores a handle such as '%s'", async (handle) => {
    const { queue } = open(":memory:");
    await queue.send(["kept"], now);
    await queue.receive(1, 60_000, now);
    await queue.changeVisibility(handle, 0, now);
    await queue.delete([handle]);
    expect(await queue.depth(now)).toEqual({ visible: 0, inFlight: 1, dead: 0 });
  });
});

describe("a queue in the state file whose only consumer has said that it is", () => {
  const plus = (ms: number) => new Date(now.getTime() + ms);

  async function theOnlyConsumers(path: string) {
    const database = openDatabase(path);
    onTestFinished(() => void (database.connection.isOpen && database.close()));
    const queue = sqliteEventQueue(database);
    await queue.becomeOnlyConsumer();
    return { database, queue };
  }

  test("writes nothing to receive what it was sent", async () => {
    const { database, queue } = await theOnlyConsumers(":memory:");
    await queue.send(["a", "b"], now);
    const before = database.connection.prepare("SELECT total_changes() AS n").get();
    expect(await queue.receive(10, 60_000, now)).toHaveLength(2);
    expect(database.connection.prepare("SELECT total_changes() AS n").get()).toEqual(before);
  });

  test("shows the next one all that wasn't deleted, as received before where it may have been", async () => {
    const path = join(temporaryFolder(), "state.db");
    const { database, queue } = await theOnlyConsumers(path);
    await queue.send(["deleted", "in flight", "put off", "waiting"], now);
    const [deleted, , putOff] = await queue.receive(3, 60_000, now);
    await queue.delete([deleted?.receiptHandle ?? ""]);
    await queue.changeVisibility(putOff?.receiptHandle ?? "", 5_000, now);
    database.close();

    const { queue: next } = await theOnlyConsumers(path);
    expect(await next.depth(now)).toEqual({ visible: 3, inFlight: 0, dead: 0 });
    const again = await next.receive(10, 60_000, now);
    expect(again.map(({ body, receiveCount }) => [body, receiveCount])).toEqual([
      ["in flight", 2],
      ["waiting", 2],
      ["put off", 2],
    ]);
    await next.delete(again.map(({ receiptHandle }) => receiptHandle));
    expect(await next.depth(plus(60_000))).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  test("takes what others have sent and its own in the order of their turns", async () => {
    const path = join(temporaryFolder(), "state.db");
    const { queue } = await theOnlyConsumers(path);
    const others = sqliteEventQueue(openDatabase(path));
    for (let n = 0; n < 8; n += 2) {
      await queue.send([`own ${n}`], plus(n));
      await others.send([`others' ${n + 1}`], plus(n + 1));
    }
    const first = await queue.receive(3, 60_000, plus(10));
    expect(first.map(({ body }) => body)).toEqual(["own 0", "others' 1", "own 2"]);
    const left = await queue.receive(10, 60_000, plus(10));
    expect(left.map(({ body }) => body)).toEqual(["others' 3", "own 4", "others' 5", "own 6", "others' 7"]);
    await queue.delete([...first, ...left].map(({ receiptHandle }) => receiptHandle));
    expect(await queue.depth(plus(60_000))).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  test("keeps a flood in the file, and its order", async () => {
    const { queue } = await theOnlyConsumers(":memory:");
    const bodies = Array.from({ length: 5_000 }, (_, n) => String(n).padStart(4, "0"));
    for (let n = 0; n < bodies.length; n += 500) await queue.send(bodies.slice(n, n + 500), plus(n));
    const received: string[] = [];
    for (let batch = await queue.receive(300, 60_000, plus(5_000)); batch.length > 0; ) {
      received.push(...batch.map(({ body }) => body));
      await queue.delete(batch.map(({ receiptHandle }) => receiptHandle));
      batch = await queue.receive(300, 60_000, plus(5_000));
    }
    expect(received).toEqual(bodies);
    expect(await queue.depth(plus(60_000))).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  test("tells others of what has been in flight for half a minute, and takes it by its handle as before", async () => {
    const path = join(temporaryFolder(), "state.db");
    const { queue } = await theOnlyConsumers(path);
    const others = sqliteEventQueue(openDatabase(path));
    await queue.send(["slow", "put off"], now);
    const [slow, putOff] = await queue.receive(2, 3_600_000, now);
    const handedOut = () => others.handedOutBefore(now, 3_600_000, plus(60_000));
    expect([await queue.handedOutBefore(now, 3_600_000, plus(60_000)), await handedOut()]).toEqual([2, 0]);
    await queue.receive(1, 3_600_000, plus(30_000));
    expect([await queue.handedOutBefore(now, 3_600_000, plus(60_000)), await handedOut()]).toEqual([2, 2]);
    await queue.delete([slow?.receiptHandle ?? ""]);
    await queue.changeVisibility(putOff?.receiptHandle ?? "", 0, plus(60_000));
    expect(await queue.receive(10, 60_000, plus(60_000))).toMatchObject([{ body: "put off", receiveCount: 2 }]);
  });

  test("deletes what is just being written down as in flight", async () => {
    const { queue } = await theOnlyConsumers(":memory:");
    await queue.send(["slow"], now);
    const [slow] = await queue.receive(1, 3_600_000, now);
    await Promise.all([queue.receive(1, 3_600_000, plus(30_000)), queue.delete([slow?.receiptHandle ?? ""])]);
    expect(await queue.depth(plus(30_000))).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  test("has what could not be stored neither in the file nor at hand", async () => {
    const { database, queue } = await theOnlyConsumers(join(temporaryFolder(), "state.db"));
    const pages = Number(database.connection.prepare("PRAGMA page_count").get()?.page_count);
    database.connection.exec(`PRAGMA max_page_count = ${pages + 4}`);
    await expect(queue.send(["fits", "x".repeat(100_000)], now)).rejects.toThrow(/the disk is full/);
    expect(await queue.receive(10, 60_000, now)).toEqual([]);
    expect(await queue.depth(now)).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });
});

describe("messages that the only consumer works off without the queue", () => {
  async function open() {
    const database = openDatabase(":memory:");
    onTestFinished(() => database.close());
    const queue = sqliteEventQueue(database);
    await queue.becomeOnlyConsumer();
    await queue.receive(1, 1, now);
    return { queue, rows: () => database.connection.prepare("SELECT id, body FROM messages ORDER BY id").all() };
  }

  test("have places in one order with those that are sent, and are in flight until they leave", async () => {
    const { queue, rows } = await open();
    const first = queue.admit(["a", "b"], now) ?? [];
    await queue.send(["c"], now);
    const [sent] = await queue.receive(10, 60_000, now);
    const second = queue.admit(["d"], now) ?? [];
    const inOrder = [...first, sent, ...second].map((message) => message?.sequence);
    expect(inOrder).toEqual(inOrder.toSorted((a = 0, b = 0) => a - b));
    expect(new Set(inOrder).size).toBe(4);
    expect(rows()).toMatchObject([{ body: "c" }]);
    expect(await queue.depth(now)).toEqual({ visible: 0, inFlight: 4, dead: 0 });
    expect(await queue.handedOutBefore(now, 60_000, later)).toBe(4);
    queue.leave(first);
    queue.leave(second);
    expect(await queue.depth(now)).toEqual({ visible: 0, inFlight: 1, dead: 0 });
  });

  test("aren't admitted where others wait before them, nor for whoever isn't the only consumer", async () => {
    const { queue } = await open();
    await queue.send(["waits"], now);
    expect(queue.admit(["a"], now)).toBeUndefined();
    await queue.receive(1, 60_000, now);
    expect(queue.admit(["a"], now)).toHaveLength(1);
    expect(sqliteEventQueue(openDatabase(":memory:")).admit(["a"], now)).toBeUndefined();
  });

  test("aren't admitted before one that came into the file while it was looked at", async () => {
    const { queue } = await open();
    const [message] = queue.admit(["a"], now) ?? [];
    if (message === undefined) throw new Error("it wasn't admitted");
    const kept = queue.keep([{ message, visibleAt: now, receives: 0 }]);
    expect(await queue.receive(10, 60_000, now)).toEqual([]);
    await kept;
    expect(queue.admit(["b"], now)).toBeUndefined();
  });

  test("count with the others for how long the oldest has been there", async () => {
    const { queue } = await open();
    expect(await queue.oldestSentAt()).toBeUndefined();
    const messages = queue.admit(["a"], now) ?? [];
    expect(await queue.oldestSentAt()).toEqual(now);
    await queue.send(["sent"], later);
    expect(await queue.oldestSentAt()).toEqual(now);
    queue.leave(messages);
    expect(await queue.oldestSentAt()).toEqual(later);
  });

  test("are stored when they are kept: visible at once, or later and received before; once only", async () => {
    const { queue, rows } = await open();
    const [a, b] = queue.admit(["a", "b"], now) ?? [];
    if (a === undefined || b === undefined) throw new Error("they weren't admitted");
    const kept = [
      { message: { ...a, group: "g" }, visibleAt: now, receives: 0 },
      { message: b, visibleAt: later, receives: 1 },
    ];
    await queue.keep(kept);
    await queue.keep(kept);
    queue.leave([a, b]);
    expect(rows()).toMatchObject([{ body: "a" }, { body: "b" }]);
    // What waits in the file comes first.
    expect(queue.admit(["c"], now)).toBeUndefined();
    expect(await queue.receive(10, 3_600_000, now)).toMatchObject([
      { messageId: a.messageId, body: "a", sentAt: now, receiveCount: 1, sequence: a.sequence, group: "g" },
    ]);
    expect(await queue.receive(10, 60_000, later)).toMatchObject([{ messageId: b.messageId, receiveCount: 2 }]);
  });

  test("keep their order when the file's places are used up, and after it is opened again", async () => {
    const path = join(temporaryFolder(), "state.db");
    const ids: number[] = [];
    for (let opened = 0; opened < 3; opened++) {
      const database = openDatabase(path);
      const queue = sqliteEventQueue(database);
      await queue.becomeOnlyConsumer();
      await queue.receive(1, 1, now);
      const admitted = queue.admit(Array(opened === 0 ? PLACES_AT_ONCE - 1 : 1).fill("x"), now) ?? [];
      ids.push(...admitted.slice(-1).map(({ sequence = 0 }) => sequence));
      if (opened === 0) expect(queue.admit(["too many", "by one"], now)).toBeUndefined();
      await queue.send(["a", "b"], now);
      const sent = await queue.receive(10, 60_000, now);
      ids.push(...sent.map(({ sequence = 0 }) => sequence));
      ids.push(...(queue.admit(["y"], now) ?? []).map(({ sequence = 0 }) => sequence));
      await queue.delete(sent.map(({ receiptHandle }) => receiptHandle));
      database.close();
    }
    expect(ids).toHaveLength(12);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(12);
  });
});
