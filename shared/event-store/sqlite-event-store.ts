import { type Claim, claimAgainst, closeAgainst, type EventRecord, type LedgerEntry } from "../domain/delivery.ts";
import { eventKeyIn } from "../domain/delivery-key.ts";
import type { CountedOutcome, OutcomeCount } from "../domain/outcome-count.ts";
import { addColumn, type Database } from "../sqlite/database.ts";
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
  CREATE TABLE IF NOT EXISTS outcome_counts (
    minute INTEGER NOT NULL,
    component TEXT NOT NULL,
    version TEXT NOT NULL,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (minute, component, version, outcome)
  ) STRICT, WITHOUT ROWID;
`;

/** What an earlier Turnout stored without an expiry is kept this long. */
const FAR_FUTURE = 253_402_300_799_000;

const INDEXES = `
  -- Keys are hashes, so every insert lands on a random page of this index. Ten characters tell them apart well enough
  -- and keep it small; a whole key would write several times as many pages.
  CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (substr(event_key, 1, 10));
  DROP INDEX IF EXISTS deliveries_claimed;
  CREATE INDEX IF NOT EXISTS deliveries_unsettled ON deliveries (id) WHERE status IN ('claimed', 'accepted');
  CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at, id) WHERE due_at IS NOT NULL;
  -- In the order of arrival, nearly: these two grow at their end.
  CREATE INDEX IF NOT EXISTS event_records_expiring ON event_records (expires_at);
  CREATE INDEX IF NOT EXISTS deliveries_expiring ON deliveries (expires_at);
`;

/** Counts are kept as long as most events are. */
const COUNTS_KEPT_MS = 30 * 86_400_000;

const DEFAULT_PAGE_SIZE = 500;

type StoredEntry = { id: number; entry: LedgerEntry };

/** Records and ledger in the state file. The ledger's rules are the domain's `claimAgainst` and `closeAgainst`. */
export function sqliteEventStore(database: Database): EventStore & { endLeases(now: Date): Promise<number> } {
  const { connection } = database;
  connection.exec(TABLES);
  addColumn(connection, "event_records", "expires_at", `INTEGER NOT NULL DEFAULT ${FAR_FUTURE}`);
  addColumn(connection, "deliveries", "due_at", "INTEGER");
  addColumn(connection, "deliveries", "expires_at", `INTEGER NOT NULL DEFAULT ${FAR_FUTURE}`);
  connection.exec(INDEXES);
  const insertRecord = connection.prepare(
    `INSERT INTO event_records (t0, event_key, payload_hash, facts, body, expires_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  // Ordered by everything that is unique, so that a page can begin where the last one ended.
  const selectRecords = connection.prepare(
    `SELECT t0, event_key, payload_hash, facts, body, expires_at FROM event_records
     WHERE (t0, event_key, payload_hash) > (?, ?, ?) AND t0 < ? ORDER BY t0, event_key, payload_hash LIMIT ?`,
  );
  const selectRecord = connection.prepare(
    `SELECT t0, event_key, payload_hash, facts, body, expires_at FROM event_records
     WHERE t0 = ? AND event_key = ? AND payload_hash = ?`,
  );
  const selectEntries = connection.prepare(
    "SELECT id, delivery_key, entry FROM deliveries WHERE substr(event_key, 1, 10) = substr(?1, 1, 10) AND event_key = ?1",
  );
  const insertEntry = connection.prepare(
    "INSERT INTO deliveries (event_key, delivery_key, status, entry, due_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const updateEntry = connection.prepare(
    "UPDATE deliveries SET status = ?, entry = ?, due_at = ?, expires_at = ? WHERE id = ?",
  );
  const selectUnsettled = connection.prepare(
    "SELECT id, entry FROM deliveries WHERE status IN ('claimed', 'accepted')",
  );
  const selectDue = connection.prepare(
    "SELECT entry FROM deliveries WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at, id LIMIT ?",
  );
  const addCount = connection.prepare(
    `INSERT INTO outcome_counts (minute, component, version, outcome, count) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT DO UPDATE SET count = count + ?5`,
  );
  const selectCounts = connection.prepare(
    `SELECT minute, component, version, outcome, count FROM outcome_counts WHERE minute >= ? AND minute < ?
     ORDER BY minute, component, version, outcome`,
  );
  const expiring = expiringRows(database);

  // Inside a write nobody else writes, so that looking first and inserting then can't make a second row.
  const find = (deliveryKey: string): StoredEntry | undefined => {
    const row = selectEntries.all(eventKeyIn(deliveryKey)).find((found) => found.delivery_key === deliveryKey);
    return row === undefined ? undefined : { id: Number(row.id), entry: decodeEntry(String(row.entry)) };
  };
  const put = (stored: StoredEntry | undefined, entry: LedgerEntry) => {
    const text = JSON.stringify(entry);
    const dueAt = entry.dueAt?.getTime() ?? null;
    const expiresAt = entry.expiresAt.getTime();
    if (stored === undefined) insertEntry.run(entry.eventKey, entry.deliveryKey, entry.status, text, dueAt, expiresAt);
    else updateEntry.run(entry.status, text, dueAt, expiresAt, stored.id);
  };

  return {
    record(records) {
      return database.write(() => {
        for (const { t0, eventKey, payloadHash, body, expiresAt, ...facts } of records) {
          insertRecord.run(t0.getTime(), eventKey, payloadHash, JSON.stringify(facts), body, expiresAt.getTime());
        }
      });
    },
    async find(keys) {
      return keys.map(({ t0, eventKey, payloadHash }) => {
        const row = selectRecord.get(t0.getTime(), eventKey, payloadHash);
        return row === undefined ? undefined : decodeRecord(row);
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
    async due(now, limit) {
      return selectDue.all(now.getTime(), limit).map((row) => decodeEntry(String(row.entry)));
    },
    handOver(entries, until) {
      return database.write(() => {
        for (const { deliveryKey, attempt, dueAt } of entries) {
          const stored = find(deliveryKey);
          if (stored?.entry.attempt !== attempt || stored.entry.dueAt?.getTime() !== dueAt?.getTime()) continue;
          put(stored, { ...stored.entry, dueAt: until });
        }
      });
    },
    async *records(window, now, pageSize = DEFAULT_PAGE_SIZE) {
      let after: [number, string, string] = [window.from.getTime(), "", ""];
      for (;;) {
        const rows = selectRecords.all(...after, window.to.getTime(), pageSize);
        const page = rows.map(decodeRecord);
        const kept = page.filter(({ expiresAt }) => expiresAt > now);
        if (kept.length > 0) yield kept;
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
    count(counts) {
      return database.write(() => {
        for (const { minute, component, version, outcome, count } of counts) {
          addCount.run(minute.getTime(), component, version, outcome, count);
        }
      });
    },
    async counts(window) {
      return selectCounts.all(window.from.getTime(), window.to.getTime()).map(decodeCount);
    },
    expire: (now, limit) => expiring.remove(now, limit),
    /**
     * Ends every running lease and all waiting for outcomes. Only for the sole router at start: whoever held them is
     * gone. Returns how many.
     */
    endLeases(now) {
      return database.write(() => {
        const unsettled = selectUnsettled.all();
        for (const row of unsettled) {
          const entry = decodeEntry(String(row.entry));
          const ended =
            entry.status === "accepted" ? { ...entry, nextAttemptAt: now, dueAt: now } : { ...entry, leaseUntil: now };
          put({ id: Number(row.id), entry }, ended);
        }
        return unsettled.length;
      });
    },
  };
}

/** Removes what has expired, little by little. */
function expiringRows(database: Database) {
  const { connection } = database;
  const removeRecords = connection.prepare(
    "DELETE FROM event_records WHERE id IN (SELECT id FROM event_records WHERE expires_at <= ? LIMIT ?)",
  );
  const removeEntries = connection.prepare(
    "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE expires_at <= ? LIMIT ?)",
  );
  const removeCounts = connection.prepare(
    `DELETE FROM outcome_counts WHERE (minute, component, version, outcome) IN
       (SELECT minute, component, version, outcome FROM outcome_counts WHERE minute <= ? LIMIT ?)`,
  );
  const selectExpired = connection.prepare(
    `SELECT EXISTS (SELECT 1 FROM event_records WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM deliveries WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM outcome_counts WHERE minute <= ?2) AS expired`,
  );
  return {
    async remove(now: Date, limit: number): Promise<number> {
      // A look before the transaction: an idle sweep must not take the write lock from other processes.
      const at = now.getTime();
      if (selectExpired.get(at, at - COUNTS_KEPT_MS)?.expired === 0) return 0;
      return database.write(() => {
        const records = Number(removeRecords.run(now.getTime(), limit).changes);
        const entries = Number(removeEntries.run(now.getTime(), limit - records).changes);
        const left = limit - records - entries;
        return records + entries + Number(removeCounts.run(at - COUNTS_KEPT_MS, left).changes);
      });
    },
  };
}

function decodeCount(row: Record<string, unknown>): OutcomeCount {
  return {
    minute: new Date(Number(row.minute)),
    component: String(row.component),
    version: String(row.version),
    outcome: row.outcome as CountedOutcome,
    count: Number(row.count),
  };
}

function decodeRecord(row: Record<string, unknown>): EventRecord {
  return {
    ...(JSON.parse(String(row.facts)) as Omit<EventRecord, StoredApart>),
    t0: new Date(Number(row.t0)),
    eventKey: String(row.event_key),
    payloadHash: String(row.payload_hash),
    body: String(row.body),
    expiresAt: new Date(Number(row.expires_at)),
  };
}

type StoredApart = "t0" | "eventKey" | "payloadHash" | "body" | "expiresAt";

/** As JSON has it: instants are texts. */
type StoredText<T> = T extends Date ? string : T extends object ? { [K in keyof T]: StoredText<T[K]> } : T;

/** An entry of an earlier Turnout knows neither when it was first claimed nor when it expires. */
type StoredEntryText = Omit<StoredText<LedgerEntry>, "since" | "expiresAt"> & { since?: string; expiresAt?: string };

function decodeEntry(text: string): LedgerEntry {
  const stored = JSON.parse(text) as StoredEntryText;
  const { leaseUntil, t0, since = t0, nextAttemptAt, dueAt, closedAt, attempts, expiresAt, ...entry } = stored;
  return {
    ...entry,
    leaseUntil: new Date(leaseUntil),
    t0: new Date(t0),
    since: new Date(since),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt: new Date(nextAttemptAt) }),
    ...(dueAt === undefined ? {} : { dueAt: new Date(dueAt) }),
    ...(closedAt === undefined ? {} : { closedAt: new Date(closedAt) }),
    attempts: attempts.map(({ at, ...attempt }) => ({ ...attempt, at: new Date(at) })),
    expiresAt: new Date(expiresAt ?? FAR_FUTURE),
  };
}
