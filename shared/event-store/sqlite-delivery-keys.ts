import type { DatabaseSync } from "node:sqlite";
import { eventKeyIn } from "../domain/deliveries/delivery-key.ts";

/**
 * Keys are hashes: each that is added to an index changes a page of its own, which took half of what an event cost. So
 * those of the newest deliveries are only in their rows, and come into the index many at once, in its order.
 *
 * `delivery_keys_end` has the last row that is in it; none, where nothing is. Whatever follows a row that is deleted may
 * have its id, and isn't in the index either.
 */
const TABLES = `
  CREATE TABLE IF NOT EXISTS delivery_keys (
    beginning TEXT NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (beginning, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS delivery_keys_end (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id INTEGER NOT NULL
  ) STRICT;
  CREATE TRIGGER IF NOT EXISTS delivery_keys_of_deleted AFTER DELETE ON deliveries BEGIN
    DELETE FROM delivery_keys WHERE beginning = substr(old.event_key, 1, 10) AND id = old.id;
    UPDATE delivery_keys_end SET id = (SELECT coalesce(max(id), 0) FROM deliveries)
      WHERE id > (SELECT coalesce(max(id), 0) FROM deliveries);
  END;
`;

/** Ten characters tell keys apart well enough, and keep the index small. Many at once: a statement for each costs more. */
const INDEXED = `(SELECT value FROM json_each(?1)) CROSS JOIN delivery_keys CROSS JOIN deliveries USING (id)
  WHERE beginning = substr(value, 1, 10) AND event_key = value`;

const END = "coalesce((SELECT id FROM delivery_keys_end), 0)";

/**
 * Most deliveries that the index is without. Ten times as many would cost hardly less; and whoever looks for a key from
 * another process reads them all.
 */
const MAX_NEWEST = 2_048;

/** The newest deliveries' rows, as of what the file was then. */
type Newest = { version: unknown; end: number; ids: Map<string, number> };

/** One for each connection: the file doesn't say which of its own changes it has seen. */
const newestOf = new WeakMap<DatabaseSync, Newest>();

/**
 * The rows of deliveries by their keys.
 * @param columns what is read of them
 * @param maxNewest from how many on those that aren't in the index are put there
 */
export function deliveryKeys(connection: DatabaseSync, columns: string, maxNewest = MAX_NEWEST) {
  connection.exec(TABLES);
  const selectVersion = connection.prepare("PRAGMA data_version");
  const selectEnd = connection.prepare(`SELECT ${END} AS id`);
  const selectNewest = connection.prepare("SELECT id, delivery_key FROM deliveries WHERE id > ?");
  const selectIndexed = connection.prepare(`SELECT id, delivery_key FROM ${INDEXED}`);
  const selectRows = connection.prepare(
    `SELECT ${columns}, event_key FROM ${INDEXED} UNION ALL
     SELECT ${columns}, event_key FROM deliveries WHERE id > ${END} AND event_key IN (SELECT value FROM json_each(?1))`,
  );
  const indexNewest = connection.prepare(
    "INSERT INTO delivery_keys SELECT substr(event_key, 1, 10), id FROM deliveries WHERE id > ? ORDER BY 1, 2",
  );
  const endAtLast = connection.prepare(
    `INSERT INTO delivery_keys_end SELECT 1, coalesce(max(id), 0) FROM deliveries WHERE true
     ON CONFLICT DO UPDATE SET id = excluded.id`,
  );

  /** Read again when another process has written, or a transaction that had put them into the index wasn't made. */
  function newest(): Newest {
    const known = newestOf.get(connection);
    const version = selectVersion.get()?.data_version;
    const end = Number(selectEnd.get()?.id);
    if (known !== undefined && known.version === version && known.end === end) return known;
    const rows = selectNewest.all(end);
    const found = { version, end, ids: new Map(rows.map((row) => [String(row.delivery_key), Number(row.id)])) };
    newestOf.set(connection, found);
    return found;
  }

  function newestFew(): Newest {
    const found = newest();
    if (found.ids.size < maxNewest) return found;
    indexNewest.run(found.end);
    endAtLast.run();
    newestOf.delete(connection);
    return newest();
  }

  return {
    /**
     * Where these deliveries are. To be asked inside of a write, for which it holds. A row may be named that was deleted or
     * never committed, and be another's by now.
     */
    idsOf(deliveryKeys: readonly string[]): (deliveryKey: string) => number | undefined {
      const { ids } = newestFew();
      const rows = selectIndexed.all(JSON.stringify([...new Set(deliveryKeys.map(eventKeyIn))]));
      const indexed = new Map(rows.map((row) => [row.delivery_key, Number(row.id)]));
      return (deliveryKey) => ids.get(deliveryKey) ?? indexed.get(deliveryKey);
    },
    /** For every row that is inserted, after `idsOf` in the same write. */
    add: (deliveryKey: string, id: number) => void newestOf.get(connection)?.ids.set(deliveryKey, id),
    /** Of all components and generations; `eventKeys` are distinct. */
    rowsOf: (eventKeys: readonly string[]) => selectRows.all(JSON.stringify(eventKeys)),
  };
}
