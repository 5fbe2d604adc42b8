import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { deliveryKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import { deliveryKeys } from "../../shared/event-store/sqlite-delivery-keys.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { aClaimRequest } from "../support/builders.ts";
import { temporaryFolder } from "../support/tmp.ts";

const NOW = new Date("2026-11-20T10:00:00.000Z");

/** A process with the file open, that indexes its newest deliveries from three on. */
function aProcess(path: string) {
  const database = openDatabase(path);
  onTestFinished(() => database.close());
  sqliteEventStore(database);
  const { connection } = database;
  const keys = deliveryKeys(connection, "delivery_key", 3);
  const insert = connection.prepare(
    "INSERT INTO deliveries (event_key, delivery_key, status, entry, expires_at) VALUES (?, ?, 'done', '[]', 0)",
  );
  onTestFinished(() => void (connection.isTransaction && connection.exec("ROLLBACK")));
  const keyAt = connection.prepare("SELECT delivery_key FROM deliveries WHERE id = ?");
  const find = (deliveryKey: string) => {
    const id = keys.idsOf([deliveryKey])(deliveryKey);
    return id !== undefined && keyAt.get(id)?.delivery_key === deliveryKey ? id : undefined;
  };
  return {
    connection,
    find,
    insertNew(eventKey: string, deliveryKey: string) {
      if (find(deliveryKey) !== undefined) return;
      keys.add(deliveryKey, Number(insert.run(eventKey, deliveryKey).lastInsertRowid));
    },
    remove(deliveryKey: string) {
      const id = find(deliveryKey);
      if (id !== undefined) connection.prepare("DELETE FROM deliveries WHERE id = ?").run(id);
    },
    rowsOf: (eventKeys: string[]) => keys.rowsOf(eventKeys).map((row) => String(row.delivery_key)),
  };
}

const eventKeys = ["1", "2", "3", "4", "5", "6"].map((n) => (n < "3" ? "a".repeat(63) + n : sha256(n)));
const step = fc.record({
  by: fc.nat(1),
  what: fc.constantFrom("insert", "insert", "insert", "remove"),
  keys: fc.uniqueArray(fc.nat(eventKeys.length - 1), { minLength: 1, maxLength: 4 }),
  component: fc.constantFrom("mailer", "auditor"),
  isMade: fc.constantFrom(true, true, true, false),
});

test("A delivery is found, and has one row, whoever inserts and removes what, made or not, in the index or not", () => {
  const path = join(temporaryFolder(), "state.db");
  const processes = [aProcess(path), aProcess(path)];
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      for (const { connection } of processes) if (connection.isTransaction) connection.exec("ROLLBACK");
      processes[0]?.connection.exec("DELETE FROM deliveries");
      const stored = new Set<string>();
      for (const { by, what, keys, component, isMade } of steps) {
        const process = processes[by];
        process?.connection.exec("BEGIN IMMEDIATE");
        for (const eventKey of keys.map((n) => eventKeys[n] ?? "")) {
          const deliveryKey = deliveryKeyOf(component, eventKey, "live");
          if (what === "insert") process?.insertNew(eventKey, deliveryKey);
          else process?.remove(deliveryKey);
          if (isMade && what === "insert") stored.add(deliveryKey);
          else if (isMade) stored.delete(deliveryKey);
        }
        process?.connection.exec(isMade ? "COMMIT" : "ROLLBACK");
        for (const each of processes) expect(each.rowsOf(eventKeys).sort()).toEqual([...stored].sort());
      }
      for (const deliveryKey of stored) for (const { find } of processes) expect(find(deliveryKey)).toBeDefined();
    }),
    { numRuns: 100 },
  );
});

test("What is deleted leaves nothing in the index, whoever deletes it", () => {
  const path = join(temporaryFolder(), "state.db");
  const { connection, insertNew } = aProcess(path);
  for (const eventKey of eventKeys) insertNew(eventKey, deliveryKeyOf("mailer", eventKey, "live"));
  const count = () => ({ ...connection.prepare("SELECT count(*) AS n FROM delivery_keys").get() });
  expect(count().n).toBeGreaterThan(2);
  const other = new DatabaseSync(path);
  other.exec("DELETE FROM deliveries");
  other.close();
  expect(count()).toEqual({ n: 0 });
});

test("Thousands of deliveries are won once each, and found, before and after the file is opened again", async () => {
  const path = join(temporaryFolder(), "state.db");
  const requests = Array.from({ length: 5_000 }, (_, n) => aClaimRequest({ idempotencyKey: `${n}` }));
  const batches = Array.from({ length: 5 }, (_, n) => requests.slice(n * 1_000, (n + 1) * 1_000));
  const claimAll = async (owner: string) => {
    const database = openDatabase(path);
    const store = sqliteEventStore(database);
    const claims = [];
    for (const batch of batches) claims.push(...(await store.claim(batch, owner, NOW)));
    const found = await store.deliveries(requests.map(({ deliveryKey }) => deliveryKey));
    database.close();
    return { won: claims.filter(({ won }) => won).length, found: found.filter((entry) => entry !== undefined).length };
  };
  expect(await claimAll("ada")).toEqual({ won: 5_000, found: 5_000 });
  expect(await claimAll("bob")).toEqual({ won: 0, found: 5_000 });
});
