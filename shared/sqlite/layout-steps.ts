import type { DatabaseSync } from "node:sqlite";

/** What brings a state file from the layout of its number to the next one, inside a transaction. */
export type LayoutStep = (connection: DatabaseSync) => void;

/**
 * The steps by the layout that they begin at, up to the one before `LAYOUT`. What changed a stored form since the last
 * release has its piece in the last step. A step meets tables as their layout had them, or none where a process was
 * killed before it made them; what it leaves has to be what the adapters' own `CREATE TABLE` would have made.
 */
export const layoutSteps: Readonly<Record<number, LayoutStep>> = {
  2: (connection) => {
    // Layout 2 came without these at first, and got them without another number.
    addColumn(connection, "event_records", "expires_at", `INTEGER NOT NULL DEFAULT ${FAR_FUTURE}`);
    addColumn(connection, "event_records", "body_zstd", "BLOB");
    addColumn(connection, "event_records", "body_key", "TEXT");
    // What came before is of the one place that it had: its order within a moment was that of the keys.
    addColumn(connection, "event_records", "sequence", "INTEGER NOT NULL DEFAULT 0");
    addColumn(connection, "deliveries", "due_at", "INTEGER");
    addColumn(connection, "deliveries", "expires_at", `INTEGER NOT NULL DEFAULT ${FAR_FUTURE}`);
    for (const index of ["claimed", "unsettled", "due"]) connection.exec(`DROP INDEX IF EXISTS deliveries_${index}`);
    keysApart(connection);
    countedByKey(connection);
  },
};

/** The year 9999, for what was stored without an expiry. */
const FAR_FUTURE = 253_402_300_799_000;

/** Adds a column to a table that is there without it. */
function addColumn(connection: DatabaseSync, table: string, column: string, definition: string): void {
  const columns = connection.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  if (columns.length === 0 || columns.some(({ name }) => name === column)) return;
  connection.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${definition}`);
}

/** The index of the deliveries' keys becomes a table, which is written many keys at once. */
function keysApart(connection: DatabaseSync): void {
  if (!isThere(connection, "deliveries")) return;
  connection.exec(`
    DROP INDEX IF EXISTS deliveries_of_event;
    CREATE TABLE delivery_keys (
      beginning TEXT NOT NULL,
      id INTEGER NOT NULL,
      PRIMARY KEY (beginning, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE delivery_keys_end (only INTEGER PRIMARY KEY CHECK (only = 1), id INTEGER NOT NULL) STRICT;
    INSERT INTO delivery_keys SELECT substr(event_key, 1, 10), id FROM deliveries ORDER BY 1, 2;
    INSERT INTO delivery_keys_end SELECT 1, coalesce(max(id), 0) FROM deliveries;
  `);
}

function isThere(connection: DatabaseSync, name: string): boolean {
  return connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
}

/** Counts of outcomes, a row each, become what one process has counted of each minute and hour. */
function countedByKey(connection: DatabaseSync): void {
  if (!isThere(connection, "outcome_counts")) return;
  connection.exec(`
    CREATE TABLE IF NOT EXISTS delivery_counts (
      span TEXT NOT NULL,
      starts INTEGER NOT NULL,
      instance TEXT NOT NULL,
      counts TEXT NOT NULL,
      PRIMARY KEY (span, starts, instance)
    ) STRICT, WITHOUT ROWID;
  `);
  for (const [span, ms] of [
    ["minute", 60_000],
    ["hour", 3_600_000],
  ] as const) {
    connection.exec(`
      INSERT INTO delivery_counts
      SELECT '${span}', starts, 'layout 2', '[0,' || group_concat(one) || ']' FROM (
        SELECT minute / ${ms} * ${ms} AS starts,
               json_array(component, version, '', '', json_object(outcome, sum(count))) AS one
        FROM outcome_counts GROUP BY 1, component, version, outcome
      ) GROUP BY starts
    `);
  }
  connection.exec("DROP TABLE outcome_counts");
}
