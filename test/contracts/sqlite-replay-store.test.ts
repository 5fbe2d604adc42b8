import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { sqliteReplayStore } from "../../shared/replay-store/sqlite-replay-store.ts";
import { type Database, openDatabase } from "../../shared/sqlite/database.ts";
import { aReplay } from "../support/any-replay.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeReplayStore } from "./replay-store.contract.ts";

function damaging({ connection }: Database) {
  return async (name: string, text: string) => {
    connection.prepare("UPDATE replays SET replay = ? WHERE name = ?").run(text, name);
  };
}

describeReplayStore("SQLite in memory", async () => {
  const database = openDatabase(":memory:");
  return {
    store: sqliteReplayStore(database),
    another: async () => sqliteReplayStore(database),
    damage: damaging(database),
    close: async () => database.close(),
  };
});

describeReplayStore("SQLite on disk", async () => {
  const path = join(temporaryFolder(), "state.db");
  const [database, other] = [openDatabase(path), openDatabase(path)];
  return {
    store: sqliteReplayStore(database),
    another: async () => sqliteReplayStore(other),
    damage: damaging(database),
    close: async () => {
      database.close();
      other.close();
    },
  };
});

describe("the replays in the state file", () => {
  const until = new Date("2026-11-20T10:01:00.000Z");

  function open(path: string) {
    const database = openDatabase(path);
    onTestFinished(() => void (database.connection.isOpen && database.close()));
    return { database, store: sqliteReplayStore(database) };
  }

  test("go on where they were when it is opened again", async () => {
    const path = join(temporaryFolder(), "state.db");
    const before = open(path);
    await before.store.create(aReplay());
    const stored = await before.store.update(aReplay({ asked: "pause" }));
    before.database.close();
    expect(await open(path).store.get("after-the-outage")).toStrictEqual(stored);
  });

  test("lose their drivers when the only server starts, but for those that have ended", async () => {
    const { store } = open(":memory:");
    const driver = { id: "server-1", until };
    const driven = aReplay({ name: "driven", driver });
    const paused = aReplay({ name: "paused", asked: "pause" });
    const ended = aReplay({ name: "ended", driver, progress: { endedAt: until } });
    for (const replay of [driven, paused, ended]) await store.create(replay);
    expect(await store.releaseDrivers()).toBe(1);
    const { driver: _, ...released } = { ...driven, lock: 2 };
    expect(await store.get("driven")).toStrictEqual(released);
    expect(await store.get("paused")).toStrictEqual(paused);
    expect(await store.get("ended")).toStrictEqual(ended);
    // Whoever drove it and is there after all finds out by its next change.
    expect(await store.update({ ...driven, asked: "pause" })).toBeUndefined();
    expect(await store.releaseDrivers()).toBe(0);
  });

  test("are found along their indexes, and never sorted", () => {
    const database = openDatabase(":memory:");
    onTestFinished(() => database.close());
    const prepared = vi.spyOn(database.connection, "prepare");
    sqliteReplayStore(database);
    const listings = prepared.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes("ORDER BY"));
    const plans = listings.map((sql) => {
      const explained = database.connection.prepare(`EXPLAIN QUERY PLAN ${sql}`);
      return explained.all(...(sql.includes("?") ? [1] : [])).map(({ detail }) => detail);
    });
    expect(plans).toEqual([
      ["SCAN replays USING INDEX replays_requested"],
      ["SCAN replays USING INDEX replays_active"],
    ]);
  });
});
