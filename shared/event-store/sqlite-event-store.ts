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
    id INTEGER PRIMARY KEY,
    event_key TEXT NOT NULL,
    delivery_key TEXT NOT NULL,
    status TEXT NOT NULL,
    entry TEXT NOT NULL
  ) STRICT;
  -- Keys are hashes, so every insert lands on a random page of this index. Ten characters tell them apart well enough
  -- and keep it small; a whole key would write several times as many pages.
  CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (substr(event_key, 1, 10));
  CREATE INDEX IF NOT EXISTS deliveries_claimed ON deliveries (id) WHERE status = 'claimed';
`;

const DEFAULT_PAGE_SIZE = 500;

type StoredEntry = { id: number; entry: LedgerEntry };

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
  const selectEntries = connection.prepare(
    "SELECT id, delivery_key, entry FROM deliveries WHERE substr(event_key, 1, 10) = substr(?1, 1, 10) AND event_key = ?1",
  );
  const insertEntry = connection.prepare(
    "INSERT INTO deliveries (event_key, delivery_key, status, entry) VALUES (?, ?, ?, ?)",
  );
  const updateEntry = connection.prepare("UPDATE deliveries SET status = ?, entry = ? WHERE id = ?");
  const selectClaimed = connection.prepare("SELECT id, entry FROM deliveries WHERE status = 'claimed'");

  // Inside a write nobody else writes, so that looking first and inserting then can't make a second row.
  const find = (deliveryKey: string): StoredEntry | undefined => {
    const row = selectEntries.all(eventKeyIn(deliveryKey)).find((found) => found.delivery_key === deliveryKey);
    return row === undefined ? undefined : { id: Number(row.id), entry: decodeEntry(String(row.entry)) };
  };
  const put = (stored: StoredEntry | undefined, entry: LedgerEntry) => {
    const text = JSON.stringify(entry);
    if (stored === undefined) insertEntry.run(entry.eventKey, entry.deliveryKey, entry.status, text);
    else updateEntry.run(entry.status, text, stored.id);
  };

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
          const stored = find(request.deliveryKey);
          const { claim, entry } = claimAgainst(stored?.entry, request, owner, now);
          if (entry !== undefined) put(stored, entry);
          return claim;
        }),
      );
    },
    close(closes) {
      return database.write(() =>
        closes.map((close) => {
          const stored = find(close.deliveryKey);
          const closed = closeAgainst(stored?.entry, close);
          if (closed === undefined) return false;
          put(stored, closed);
          return true;
        }),
      );
    },
    reject(entries) {
      return database.write(() => {
        for (const entry of entries) if (find(entry.deliveryKey) === undefined) put(undefined, entry);
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
        const claimed = selectClaimed.all();
        for (const row of claimed) {
          const entry = decodeEntry(String(row.entry));
          put({ id: Number(row.id), entry }, { ...entry, leaseUntil: now });
        }
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

/** As JSON has it: instants are texts. */
type StoredText<T> = T extends Date ? string : T extends object ? { [K in keyof T]: StoredText<T[K]> } : T;

function decodeEntry(text: string): LedgerEntry {
  const { leaseUntil, t0, nextAttemptAt, closedAt, attempts, ...entry } = JSON.parse(text) as StoredText<LedgerEntry>;
  return {
    ...entry,
    leaseUntil: new Date(leaseUntil),
    t0: new Date(t0),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt: new Date(nextAttemptAt) }),
    ...(closedAt === undefined ? {} : { closedAt: new Date(closedAt) }),
    attempts: attempts.map(({ at, ...attempt }) => ({ ...attempt, at: new Date(at) })),
  };
}
