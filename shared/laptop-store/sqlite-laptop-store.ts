import type { InboxItem } from "../domain/deliveries/inbox-item.ts";
import type { LaptopLease } from "../domain/routing/laptop-lease.ts";
import type { Database } from "../sqlite/database.ts";
import { decodeItem, decodeLease } from "./laptop-codec.ts";
import type { LaptopStore } from "./laptop-store.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS laptop_leases (
    component TEXT NOT NULL,
    alias TEXT NOT NULL,
    lock INTEGER NOT NULL,
    lease TEXT NOT NULL,
    PRIMARY KEY (component, alias)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS laptop_inbox (
    id INTEGER PRIMARY KEY,
    component TEXT NOT NULL,
    alias TEXT NOT NULL,
    request_id TEXT NOT NULL UNIQUE,
    item TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS laptop_inbox_of_alias ON laptop_inbox (component, alias, id);
`;

/** Leases and inboxes in the state file, which the server and whoever listens have open side by side. */
export function sqliteLaptopStore(database: Database): LaptopStore {
  const { connection } = database;
  connection.exec(TABLES);
  const selectLeases = connection.prepare(
    "SELECT component, alias, lock, lease FROM laptop_leases ORDER BY component, alias",
  );
  const insertLease = connection.prepare("INSERT INTO laptop_leases VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING");
  const updateLease = connection.prepare(
    "UPDATE laptop_leases SET lock = ?, lease = ? WHERE component = ? AND alias = ? AND lock = ?",
  );
  const deleteLease = connection.prepare("DELETE FROM laptop_leases WHERE component = ? AND alias = ? AND lock = ?");
  const insertItem = connection.prepare(
    "INSERT INTO laptop_inbox (component, alias, request_id, item) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const selectItems = connection.prepare(
    "SELECT id, item FROM laptop_inbox WHERE component = ? AND alias = ? ORDER BY id LIMIT ?",
  );
  const deleteItem = connection.prepare("DELETE FROM laptop_inbox WHERE request_id = ?");
  const deleteRow = connection.prepare("DELETE FROM laptop_inbox WHERE id = ?");

  return {
    async leases() {
      return selectLeases.all().map(({ component, alias, lock, lease }) => {
        return decodeLease(String(lease), { component: String(component), alias: String(alias), lock: Number(lock) });
      });
    },
    putLease(lease) {
      const next: LaptopLease = { ...lease, lock: lease.lock + 1 };
      const { component, alias } = lease;
      const text = JSON.stringify(next);
      return database.write(() => {
        const { changes } =
          lease.lock === 0
            ? insertLease.run(component, alias, text)
            : updateLease.run(next.lock, text, component, alias, lease.lock);
        return Number(changes) === 1 ? next : undefined;
      });
    },
    async removeLease({ component, alias, lock }) {
      await database.write(() => deleteLease.run(component, alias, lock));
    },
    async deliver(item) {
      const { component, alias, requestId } = item;
      await database.write(() => insertItem.run(component, alias, requestId, JSON.stringify(item)));
    },
    async inbox({ component, alias }, limit) {
      const found = selectItems
        .all(component, alias, limit)
        .map((row) => ({ row, item: decodeItem(String(row.item)) }));
      const damaged = found.flatMap(({ row, item }) => (item === undefined ? [Number(row.id)] : []));
      if (damaged.length > 0) await database.write(() => damaged.forEach((id) => void deleteRow.run(id)));
      return found.flatMap(({ item }): InboxItem[] => (item === undefined ? [] : [item]));
    },
    async remove(items) {
      if (items.length === 0) return;
      await database.write(() => items.forEach(({ requestId }) => void deleteItem.run(requestId)));
    },
  };
}
