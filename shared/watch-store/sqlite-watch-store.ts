import type { Watch } from "../domain/health/watch.ts";
import type { Database } from "../sqlite/database.ts";
import { decodeWatch, encodeWatch } from "./watch-codec.ts";
import type { WatchStore } from "./watch-store.ts";

const TABLE = `
  CREATE TABLE IF NOT EXISTS guard_watches (
    component TEXT NOT NULL,
    alias TEXT NOT NULL,
    version TEXT NOT NULL,
    lock INTEGER NOT NULL,
    watch TEXT NOT NULL,
    PRIMARY KEY (component, alias, version)
  ) STRICT, WITHOUT ROWID;
`;

/** The guards' watches in the state file. */
export function sqliteWatchStore(database: Database): WatchStore {
  const { connection } = database;
  connection.exec(TABLE);
  const select = connection.prepare(
    `SELECT component, alias, version, lock, watch FROM guard_watches WHERE component = coalesce(?, component)
     ORDER BY component, alias, version`,
  );
  const insert = connection.prepare("INSERT INTO guard_watches VALUES (?, ?, ?, 1, ?) ON CONFLICT DO NOTHING");
  const update = connection.prepare(
    "UPDATE guard_watches SET lock = ?, watch = ? WHERE component = ? AND alias = ? AND version = ? AND lock = ?",
  );
  const del = connection.prepare("DELETE FROM guard_watches WHERE component = ? AND alias = ? AND version = ?");

  return {
    async watches(component) {
      return select.all(component ?? null).map((row) => {
        const key = { component: String(row.component), alias: String(row.alias), version: String(row.version) };
        return decodeWatch(key, Number(row.lock), String(row.watch));
      });
    },
    put(watch) {
      const next: Watch = { ...watch, lock: watch.lock + 1 };
      const { component, alias, version } = watch;
      return database.write(() => {
        const { changes } =
          watch.lock === 0
            ? insert.run(component, alias, version, encodeWatch(next))
            : update.run(next.lock, encodeWatch(next), component, alias, version, watch.lock);
        return Number(changes) === 1 ? next : undefined;
      });
    },
    async remove({ component, alias, version }) {
      await database.write(() => del.run(component, alias, version));
    },
  };
}
