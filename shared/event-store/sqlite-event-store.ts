import { type Claim, claimAgainst, closeAgainst, type EventRecord, type LedgerEntry } from "../domain/delivery.ts";
import { eventKeyIn } from "../domain/delivery-key.ts";
import type { Database } from "../sqlite/database.ts";
import type { EventStore } from "./event-store.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS event_records (
    id INTEGER PRIMARY KEY,
    t0 INTEGER NOT NULL,
    event_key TEXT NOT NULL,
    payload_hash TEXT NOT NULL,
    facts TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (t0, event_key, payload_hash)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS deliveries (
    event_key TEXT NOT NULL,
    delivery_key TEXT NOT NULL,
    status TEXT NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (event_key, delivery_key)
  ) STRICT, WITHOUT ROWID;
`;

const DEFAULT_PAGE_SIZE = 500;

/** Records and ledger in the state file. The ledger's rules are the domain's `claimAgainst` and `closeAgainst`. */
export function sqliteEventStore(database: Database): EventStore & { endLeases(now: Date): Promise<number> } {
  const { connection } = database;
  connection.exec(TABLES);
  const insertRecord = connection.prepare(
    `INSERT INTO event_records (t0, event_key, payload_hash, facts, body) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  // Ordered by everything that is unique, so that a page can begin where the last one ended.
  const selectRecords = connection.prepare(
    `SELECT t0, event_key, payload_hash, facts, body FROM event_records
     WHERE (t0, event_key, payload_hash) > (?, ?, ?) AND t0 < ? ORDER BY t0, event_key, payload_hash LIMIT ?`,
  );
  const selectEntry = connection.prepare("SELECT entry FROM deliveries WHERE event_key = ? AND delivery_key = ?");
  const selectEntries = connection.prepare("SELECT entry FROM deliveries WHERE event_key = ?");
  const upsertEntry = connection.prepare(
    `INSERT INTO deliveries (event_key, delivery_key, status, entry) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET status = excluded.status, entry = excluded.entry`,
  );
  const insertEntry = connection.prepare(
    "INSERT INTO deliveries (event_key, delivery_key, status, entry) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const selectClaimed = connection.prepare("SELECT entry FROM deliveries WHERE status = 'claimed'");

  const find = (deliveryKey: string): LedgerEntry | undefined => {
    const row = selectEntry.get(eventKeyIn(deliveryKey), deliveryKey);
    return row === undefined ? undefined : decodeEntry(String(row.entry));
  };
  const put = (entry: LedgerEntry) =>
    upsertEntry.run(entry.eventKey, entry.deliveryKey, entry.status, JSON.stringify(entry));

  return {
    record(records) {
      return database.write(() => {
        for (const { t0, eventKey, payloadHash, body, ...facts } of records) {
          insertRecord.run(t0.getTime(), eventKey, payloadHash, JSON.stringify(facts), body);
        }
      });
    },
    claim(requests, owner, now) {
      return database.write(() =>
        requests.map((request): Claim => {
          const { claim, entry } = claimAgainst(find(request.deliveryKey), request, owner, now);
          if (entry !== undefined) put(entry);
          return claim;
        }),
      );
    },
    close(closes) {
      return database.write(() =>
        closes.map((close) => {
          const closed = closeAgainst(find(close.deliveryKey), close);
          if (closed === undefined) return false;
          put(closed);
          return true;
        }),
      );
    },
    reject(entries) {
      return database.write(() => {
        for (const entry of entries) {
          insertEntry.run(entry.eventKey, entry.deliveryKey, entry.status, JSON.stringify(entry));
        }
      });
    },
    async *records(window, pageSize = DEFAULT_PAGE_SIZE) {
      let after: [number, string, string] = [window.from.getTime(), "", ""];
      for (;;) {
        const rows = selectRecords.all(...after, window.to.getTime(), pageSize);
        const page = rows.map(decodeRecord);
        if (page.length > 0) yield page;
        const last = page.at(-1);
        if (last === undefined || page.length < pageSize) return;
        after = [last.t0.getTime(), last.eventKey, last.payloadHash];
      }
    },
    async deliveriesOf(eventKeys) {
      const found = new Map<string, LedgerEntry[]>();
      for (const eventKey of eventKeys) {
        const entries = selectEntries.all(eventKey).map((row) => decodeEntry(String(row.entry)));
        if (entries.length > 0) found.set(eventKey, entries);
      }
      return found;
    },
    /** Ends every running lease. Only for the sole router at start: whoever held them is gone. Returns how many. */
    endLeases(now) {
      return database.write(() => {
        const claimed = selectClaimed.all().map((row) => decodeEntry(String(row.entry)));
        for (const entry of claimed) put({ ...entry, leaseUntil: now });
        return claimed.length;
      });
    },
  };
}

function decodeRecord(row: Record<string, unknown>): EventRecord {
  return {
    ...(JSON.parse(String(row.facts)) as Omit<EventRecord, "t0" | "eventKey" | "payloadHash" | "body">),
    t0: new Date(Number(row.t0)),
    eventKey: String(row.event_key),
    payloadHash: String(row.payload_hash),
    body: String(row.body),
  };
}

const DATE_FIELDS = new Set(["leaseUntil", "t0", "nextAttemptAt", "closedAt", "at"]);

function decodeEntry(text: string): LedgerEntry {
  return JSON.parse(text, (key, value: unknown) =>
    DATE_FIELDS.has(key) && typeof value === "string" ? new Date(value) : value,
  ) as LedgerEntry;
}
