import { randomUUID } from "node:crypto";
import { onTestFinished } from "vitest";
import type { RowKey, StoredRow } from "../../shared/domain/routing/routing-change.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { type ChangeRequest, changeRoutes } from "../../shared/flows/change/change-routes.ts";
import type { RoutingTableReader } from "../../shared/routing-table/routing-table.ts";
import { sqliteRoutingTable } from "../../shared/routing-table/sqlite-routing-table.ts";
import { type Database, openDatabase } from "../../shared/sqlite/database.ts";

/** A routing table on SQLite in memory, closed with the test. */
export function aRoutingTable() {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  return onDatabase(database);
}

/** The same, to be closed by hand: for the many tables of one property. */
export async function withRoutingTable(work: (table: ReturnType<typeof onDatabase>) => Promise<void>): Promise<void> {
  const database = openDatabase(":memory:");
  try {
    await work(onDatabase(database));
  } finally {
    database.close();
  }
}

function onDatabase(database: Database) {
  const table = sqliteRoutingTable(database);
  /** Makes the change, as ada does it for a test. */
  function change(edit: RoutingEdit, about: Partial<Omit<ChangeRequest, "edit">> = {}) {
    const meta = { who: "ada", why: "a test", command: "test", at: new Date("2026-11-20T10:00:00.000Z") };
    return changeRoutes(table, { changeId: randomUUID(), ...meta, ...about, edit });
  }
  return { table, change };
}

/** Every row of a table, by key. */
export async function allRowsOf(table: RoutingTableReader): Promise<Map<RowKey, StoredRow>> {
  const rows = await Array.fromAsync(table.allRows());
  const byKey = new Map(rows.map(({ key, row }) => [key, row]));
  if (byKey.size < rows.length) throw new Error("a row was listed twice");
  return byKey;
}
