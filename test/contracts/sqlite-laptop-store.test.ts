import { join } from "node:path";
import { sqliteLaptopStore } from "../../shared/laptop-store/sqlite-laptop-store.ts";
import { type Database, openDatabase } from "../../shared/sqlite/database.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeLaptopStore } from "./laptop-store.contract.ts";

function opened(database: Database, other: Database) {
  const { connection } = database;
  return {
    store: sqliteLaptopStore(database),
    another: async () => sqliteLaptopStore(other),
    async damageLease({ alias }: { alias: string }, text: string) {
      connection.prepare("UPDATE laptop_leases SET lease = ? WHERE alias = ?").run(text, alias);
    },
    async damageItem({ requestId }: { requestId: string }, text: string) {
      connection.prepare("UPDATE laptop_inbox SET item = ? WHERE request_id = ?").run(text, requestId);
    },
    async close() {
      database.close();
      if (other !== database) other.close();
    },
  };
}

describeLaptopStore("SQLite in memory", async () => {
  const database = openDatabase(":memory:");
  return opened(database, database);
});

describeLaptopStore("SQLite on disk", async () => {
  const path = join(temporaryFolder(), "state.db");
  return opened(openDatabase(path), openDatabase(path));
});
