import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
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
    await queue.releaseAll();
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
