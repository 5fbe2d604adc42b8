import type { BodyStore } from "../body-store/body-store.ts";
import type { Claim, Close, LedgerEntry } from "../domain/deliveries/delivery.ts";
import { eventKeyIn } from "../domain/deliveries/delivery-key.ts";
import { claimAgainst, closeAgainst, isFirstClaim } from "../domain/deliveries/ledger-rules.ts";
import { isUnreadable } from "../domain/deliveries/unreadable-entry.ts";
import type { Database } from "../sqlite/database.ts";
import type { EventStore } from "./event-store.ts";
import { sqliteCounts } from "./sqlite-counts.ts";
import { sqliteExpiry } from "./sqlite-expiry.ts";
import { sqliteRecords } from "./sqlite-records.ts";
import { ENTRY_COLUMNS, entryIn, entryText } from "./stored-entry.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY,
    event_key TEXT NOT NULL,
    delivery_key TEXT NOT NULL,
    status TEXT NOT NULL,
    entry TEXT NOT NULL,
    due_at INTEGER,
    expires_at INTEGER NOT NULL
  ) STRICT;
  -- Keys are hashes, so every insert lands on a random page of this index. Ten characters tell them apart well enough
  -- and keep it small; a whole key would write several times as many pages.
  CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (substr(event_key, 1, 10));
  CREATE INDEX IF NOT EXISTS deliveries_unsettled ON deliveries (id) WHERE status IN ('claimed', 'accepted');
  CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at, id) WHERE due_at IS NOT NULL;
`;

type WrittenEntry = { id: number; entry: LedgerEntry };

/** A row of the ledger; one whose entry can't be read has none. */
type FoundEntry = { id: number; entry: LedgerEntry | undefined };

/** Claims of which it is remembered what was written, until they are closed. More than a server has in flight. */
const MAX_REMEMBERED = 4_000;

/**
 * Records and ledger in the state file. The ledger's rules are the domain's `claimAgainst` and `closeAgainst`.
 * @param bodies where the bodies of large events go; without it they stay in the state file
 * @param expiryTime the time by which things have expired, for a clock that may have been set
 */
export function sqliteEventStore(
  database: Database,
  bodies?: BodyStore,
  expiryTime: (now: Date) => Date = (now) => now,
): EventStore & { endLeases(now: Date, isElsewhere?: (entry: LedgerEntry) => boolean): Promise<number> } {
  const { connection } = database;
  const records = sqliteRecords(database, bodies, expiryTime);
  connection.exec(TABLES);
  const selectEntries = connection.prepare(
    `SELECT ${ENTRY_COLUMNS} FROM deliveries WHERE substr(event_key, 1, 10) = substr(?1, 1, 10) AND event_key = ?1`,
  );
  const insertEntry = connection.prepare(
    "INSERT INTO deliveries (event_key, delivery_key, status, entry, due_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const updateEntry = connection.prepare("UPDATE deliveries SET status = ?, entry = ? WHERE id = ?");
  const replaceEntry = connection.prepare(
    "UPDATE deliveries SET status = ?, entry = ? WHERE id = ? AND status = 'claimed' AND entry = ?",
  );
  // Apart, because an index is written for every column that a statement sets, changed or not.
  const updateTimes = connection.prepare("UPDATE deliveries SET due_at = ?, expires_at = ? WHERE id = ?");
  const deleteEntry = connection.prepare("DELETE FROM deliveries WHERE id = ?");
  const selectUnsettled = connection.prepare(
    `SELECT ${ENTRY_COLUMNS} FROM deliveries WHERE status IN ('claimed', 'accepted')`,
  );
  const selectDue = connection.prepare(
    `SELECT ${ENTRY_COLUMNS} FROM deliveries WHERE due_at IS NOT NULL AND due_at <= ?1 AND expires_at > ?3
     ORDER BY due_at, id LIMIT ?2`,
  );
  const { expired, removeExpired, ...counts } = sqliteCounts(database);
  const expiry = sqliteExpiry(database, { expired, removeExpired });
  /** What was claimed here, as it was written: most are closed without having been touched, and needn't be read again. */
  const remembered = new Map<string, WrittenEntry & { text: string }>();

  // Inside a write nobody else writes, so that looking first and inserting then can't make a second row.
  const findRow = (deliveryKey: string): FoundEntry | undefined => {
    const row = selectEntries.all(eventKeyIn(deliveryKey)).find((found) => found.delivery_key === deliveryKey);
    if (row === undefined) return undefined;
    const read = entryIn(row);
    return { id: Number(row.id), entry: isUnreadable(read) ? undefined : read };
  };
  const find = (deliveryKey: string): WrittenEntry | undefined => {
    const found = findRow(deliveryKey);
    return found?.entry === undefined ? undefined : { id: found.id, entry: found.entry };
  };
  const put = (stored: FoundEntry | undefined, entry: LedgerEntry) => {
    const text = entryText(entry);
    const dueAt = entry.dueAt?.getTime() ?? null;
    const expiresAt = entry.expiresAt.getTime();
    if (stored === undefined) {
      const { deliveryKey, eventKey, status } = entry;
      const { lastInsertRowid } = insertEntry.run(eventKey, deliveryKey, status, text, dueAt, expiresAt);
      if (status === "claimed") remember(deliveryKey, { id: Number(lastInsertRowid), entry, text });
      return;
    }
    updateEntry.run(entry.status, text, stored.id);
    if (stored.entry === undefined) updateTimes.run(dueAt, expiresAt, stored.id);
    else putTimes({ id: stored.id, entry: stored.entry }, entry);
  };
  const putTimes = ({ id, entry: before }: WrittenEntry, { dueAt, expiresAt }: LedgerEntry) => {
    const same = dueAt?.getTime() === before.dueAt?.getTime() && expiresAt.getTime() === before.expiresAt.getTime();
    if (!same) updateTimes.run(dueAt?.getTime() ?? null, expiresAt.getTime(), id);
  };
  const remember = (deliveryKey: string, written: WrittenEntry & { text: string }) => {
    remembered.set(deliveryKey, written);
    if (remembered.size <= MAX_REMEMBERED) return;
    const [oldest] = remembered.keys();
    if (oldest !== undefined) remembered.delete(oldest);
  };
  /** Closes what stands there as it was claimed here. False where it doesn't, or nothing is known of it. */
  const closeRemembered = (close: Close): boolean => {
    const known = remembered.get(close.deliveryKey);
    const closed = known === undefined ? undefined : closeAgainst(known.entry, close);
    if (known === undefined || closed === undefined) return false;
    remembered.delete(close.deliveryKey);
    const { changes } = replaceEntry.run(closed.status, entryText(closed), known.id, known.text);
    if (changes !== 1) return false;
    putTimes(known, closed);
    return true;
  };

  return {
    ...records,
    ...counts,
    claim(requests, owner, now) {
      return database.write(() =>
        requests.map((request): Claim => {
          // What can't be read is claimed as if it weren't there: run once more rather than lost.
          const stored = findRow(request.deliveryKey);
          const { claim, entry } = claimAgainst(stored?.entry, request, owner, now);
          if (entry !== undefined) put(stored, entry);
          return claim;
        }),
      );
    },
    close(closes) {
      return database.write(() =>
        closes.map((close) => {
          if (closeRemembered(close)) return true;
          const stored = find(close.deliveryKey);
          const closed = closeAgainst(stored?.entry, close);
          if (closed === undefined) return false;
          put(stored, closed);
          return true;
        }),
      );
    },
    release(deliveryKeys, owner) {
      return database.write(() => {
        for (const deliveryKey of deliveryKeys) {
          const stored = find(deliveryKey);
          if (stored !== undefined && isFirstClaim(stored.entry, owner)) deleteEntry.run(stored.id);
        }
      });
    },
    reject(entries) {
      return database.write(() => {
        for (const entry of entries) if (find(entry.deliveryKey) === undefined) put(undefined, entry);
      });
    },
    async due(now, limit) {
      const found = selectDue.all(now.getTime(), limit, expiryTime(now).getTime());
      const entries = found.map((row) => ({ id: Number(row.id), entry: entryIn(row) }));
      const unreadable = entries.filter(({ entry }) => isUnreadable(entry));
      // Nobody can say what is due of it, and it would be found due for ever: it is seen as dead from now on.
      if (unreadable.length > 0) {
        await database.write(() => {
          for (const { id, entry } of unreadable) put({ id, entry: undefined }, entry);
        });
      }
      return entries.map(({ entry }) => entry).filter((entry) => !isUnreadable(entry));
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
    async deliveriesOf(eventKeys) {
      const found = new Map<string, LedgerEntry[]>();
      for (const eventKey of eventKeys) {
        const entries = selectEntries.all(eventKey).map(entryIn);
        if (entries.length > 0) found.set(eventKey, entries);
      }
      return found;
    },
    async deliveries(deliveryKeys) {
      // All of an event stand together: whoever asks for one generation of it asks for others too.
      const found = new Map<string, LedgerEntry>();
      for (const eventKey of new Set(deliveryKeys.map(eventKeyIn))) {
        for (const row of selectEntries.all(eventKey)) {
          found.set(String(row.delivery_key), entryIn(row));
        }
      }
      return deliveryKeys.map((deliveryKey) => found.get(deliveryKey));
    },
    async expire(now, limit) {
      const at = expiryTime(now);
      const rows = await expiry.remove(at, limit);
      return bodies === undefined || rows === limit ? rows : rows + (await bodies.expire(at, limit - rows));
    },
    /**
     * Ends every running lease and all waiting for outcomes. Only for the sole router at start: whoever held them is
     * gone. Returns how many.
     */
    endLeases(now, isElsewhere = () => false) {
      return database.write(() => {
        const unsettled = selectUnsettled.all();
        for (const row of unsettled) {
          const entry = entryIn(row);
          // It stays as it is until its message comes, or somebody lists it.
          if (isUnreadable(entry) || isElsewhere(entry)) continue;
          const ended = entry.status === "accepted" ? lostAccepted(entry, now) : { ...entry, leaseUntil: now };
          put({ id: Number(row.id), entry }, ended);
        }
        return unsettled.length;
      });
    },
  };
}

/** The process that it was accepted in is gone: as after a lapsed lease, the version isn't to blame. */
function lostAccepted(entry: LedgerEntry, now: Date): LedgerEntry {
  return { ...entry, status: "failed", lapses: entry.lapses + 1, nextAttemptAt: now, dueAt: now };
}
