import type { Close, LedgerEntry } from "../domain/deliveries/delivery.ts";
import { closeAgainst } from "../domain/deliveries/ledger-rules.ts";
import { isUnreadable } from "../domain/deliveries/unreadable-entry.ts";
import type { Database } from "../sqlite/database.ts";
import { deliveryKeys } from "./sqlite-delivery-keys.ts";
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
  -- One for claims and due dates: a claim is written into it once, and nearly every one is closed soon after.
  CREATE INDEX IF NOT EXISTS deliveries_open ON deliveries (due_at, id)
    WHERE due_at IS NOT NULL OR status IN ('claimed', 'accepted');
`;

type WrittenEntry = { id: number; entry: LedgerEntry };

/**
 * Emptied as it is forgotten: V8's maps leave what they held behind as they grow, and the garbage that is old already keeps
 * that alive until it is collected.
 */
type Remembered = { written: (WrittenEntry & { text: string }) | undefined };

/** A row of the ledger; one whose entry can't be read has none. */
type FoundEntry = { id: number; entry: LedgerEntry | undefined };

/** Claims of which it is remembered what was written, until they are closed. More than a server has in flight. */
const MAX_REMEMBERED = 4_000;

/** The ledger's rows in the state file: found, put and closed, inside of a write where they are changed. */
export function ledgerRows({ connection }: Database) {
  connection.exec(TABLES);
  const keys = deliveryKeys(connection, ENTRY_COLUMNS);
  const selectEntry = connection.prepare(`SELECT ${ENTRY_COLUMNS} FROM deliveries WHERE id = ?`);
  const insertEntry = connection.prepare(
    "INSERT INTO deliveries (event_key, delivery_key, status, entry, due_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const updateEntry = connection.prepare(
    "UPDATE deliveries SET status = ?, entry = ?, due_at = ?, expires_at = ? WHERE id = ?",
  );
  const replaceEntry = connection.prepare(
    `UPDATE deliveries SET status = ?, entry = ?, due_at = ?, expires_at = ?
     WHERE id = ? AND status = 'claimed' AND entry = ?`,
  );
  const deleteEntry = connection.prepare("DELETE FROM deliveries WHERE id = ?");
  const selectUnsettled = connection.prepare(
    `SELECT ${ENTRY_COLUMNS} FROM deliveries WHERE status IN ('claimed', 'accepted')`,
  );
  const selectFailed = connection.prepare(
    `SELECT ${ENTRY_COLUMNS} FROM deliveries WHERE due_at > ? AND due_at <= ? AND status = 'failed'`,
  );
  const selectDue = connection.prepare(
    `SELECT ${ENTRY_COLUMNS} FROM deliveries WHERE due_at IS NOT NULL AND due_at <= ?1 AND expires_at > ?3
     ORDER BY due_at, id LIMIT ?2`,
  );
  /** What was claimed here, as it was written: most are closed without having been touched, and needn't be read again. */
  const remembered = new Map<string, Remembered>();

  // Inside a write nobody else writes, so that looking first and inserting then can't make a second row.
  const finder = (deliveryKeys: readonly string[]) => {
    const idOf = keys.idsOf(deliveryKeys);
    return (deliveryKey: string): FoundEntry | undefined => {
      const id = idOf(deliveryKey);
      const row = id === undefined ? undefined : selectEntry.get(id);
      if (id === undefined || row?.delivery_key !== deliveryKey) return undefined;
      const read = entryIn(row);
      return { id, entry: isUnreadable(read) ? undefined : read };
    };
  };
  const find = (deliveryKey: string): WrittenEntry | undefined => {
    const found = finder([deliveryKey])(deliveryKey);
    return found?.entry === undefined ? undefined : { id: found.id, entry: found.entry };
  };
  const put = (stored: FoundEntry | undefined, entry: LedgerEntry) => {
    const text = entryText(entry);
    const dueAt = entry.dueAt?.getTime() ?? null;
    const expiresAt = entry.expiresAt.getTime();
    if (stored === undefined) {
      const { deliveryKey, eventKey, status } = entry;
      const { lastInsertRowid } = insertEntry.run(eventKey, deliveryKey, status, text, dueAt, expiresAt);
      const id = Number(lastInsertRowid);
      keys.add(deliveryKey, id);
      if (status === "claimed") remember(deliveryKey, { written: { id, entry, text } });
      return;
    }
    updateEntry.run(entry.status, text, dueAt, expiresAt, stored.id);
  };
  const remember = (deliveryKey: string, claim: Remembered) => {
    remembered.set(deliveryKey, claim);
    if (remembered.size <= MAX_REMEMBERED) return;
    const [oldest] = remembered.keys();
    if (oldest !== undefined) forget(oldest);
  };
  const forget = (deliveryKey: string) => {
    const claim = remembered.get(deliveryKey);
    remembered.delete(deliveryKey);
    if (claim !== undefined) claim.written = undefined;
  };
  /** Closes what stands there as it was claimed here. False where it doesn't, or nothing is known of it. */
  const closeRemembered = (close: Close): boolean => {
    const known = remembered.get(close.deliveryKey)?.written;
    const closed = known === undefined ? undefined : closeAgainst(known.entry, close);
    if (known === undefined || closed === undefined) return false;
    forget(close.deliveryKey);
    const { status, dueAt, expiresAt } = closed;
    const times = [dueAt?.getTime() ?? null, expiresAt.getTime()] as const;
    return replaceEntry.run(status, entryText(closed), ...times, known.id, known.text).changes === 1;
  };

  return {
    /** Looks up many at once; what it answers, row by row, is as of then. */
    finder,
    find,
    put,
    closeRemembered,
    remove: (id: number) => deleteEntry.run(id),
    rowsOf: keys.rowsOf,
    rowsDue: (now: Date, limit: number, expiredBy: Date) => selectDue.all(now.getTime(), limit, expiredBy.getTime()),
    /** What is claimed or accepted, and what has failed and is due after the one time, and not after the other. */
    rowsOpen: (after: Date, until: Date) => [
      ...selectUnsettled.all(),
      ...selectFailed.all(after.getTime(), until.getTime()),
    ],
  };
}
