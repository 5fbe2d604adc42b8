import { join } from "node:path";
import type { Watch } from "../../shared/domain/health/watch.ts";
import { type Database, openDatabase } from "../../shared/sqlite/database.ts";
import { sqliteWatchStore } from "../../shared/watch-store/sqlite-watch-store.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeWatchStore } from "./watch-store.contract.ts";

function damaging({ connection }: Database) {
  return async ({ version }: Watch, text: string) => {
    connection.prepare("UPDATE guard_watches SET watch = ? WHERE version = ?").run(text, version);
  };
}

describeWatchStore("SQLite in memory", async () => {
  const database = openDatabase(":memory:");
  return {
    store: sqliteWatchStore(database),
    another: async () => sqliteWatchStore(database),
    damage: damaging(database),
    close: async () => database.close(),
  };
});

describeWatchStore("SQLite on disk", async () => {
  const path = join(temporaryFolder(), "state.db");
  const [database, other] = [openDatabase(path), openDatabase(path)];
  return {
    store: sqliteWatchStore(database),
    another: async () => sqliteWatchStore(other),
    damage: damaging(database),
    close: async () => {
      database.close();
      other.close();
    },
  };
});
