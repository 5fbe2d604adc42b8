import type { Database } from "../sqlite/database.ts";

// `hidden_until` is null while a message is visible, and `AT_HAND` where only the consumer knows; `turn` is its place in
// the order in which they are taken.
const TABLES = `
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    message_id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    fair_group TEXT,
    turn INTEGER NOT NULL,
    hidden_until INTEGER,
    receive_count INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_visible ON messages (queue, turn, id) WHERE hidden_until IS NULL;
  CREATE INDEX IF NOT EXISTS messages_hidden ON messages (queue, hidden_until) WHERE hidden_until IS NOT NULL;
`;

/**
 * Where a message stands, as `hidden_until`, that was at hand to the only consumer from the beginning: it has been in
 * flight or not, and only the consumer knew.
 */
export const AT_HAND = Number.MAX_SAFE_INTEGER;

/** What a queue asks of the state file. */
export function queueStatements({ connection }: Database) {
  connection.exec(TABLES);
  return {
    insert: connection.prepare(
      `INSERT INTO messages (id, queue, message_id, body, sent_at, fair_group, turn, hidden_until)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    keep: connection.prepare(
      `INSERT INTO messages (id, queue, message_id, body, sent_at, fair_group, turn, hidden_until, receive_count)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    // The table has its row in `sqlite_sequence` once it has had a message.
    reserve: connection.prepare("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'messages' RETURNING seq"),
    beginSequence: connection.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('messages', ?)"),
    selectWaiting: connection.prepare(
      `SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND hidden_until IS NULL)
         OR EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND hidden_until <= ?2) AS waiting`,
    ),
    wake: connection.prepare("UPDATE messages SET hidden_until = NULL WHERE queue = ? AND hidden_until <= ?"),
    selectVisible: connection.prepare(
      `SELECT id, turn, message_id, body, sent_at, receive_count, fair_group FROM messages
     WHERE queue = ? AND hidden_until IS NULL AND turn <= ? ORDER BY turn, id LIMIT ?`,
    ),
    hide: connection.prepare("UPDATE messages SET hidden_until = ?, receive_count = receive_count + 1 WHERE id = ?"),
    bury: connection.prepare("UPDATE messages SET queue = ?, turn = ?, receive_count = 0 WHERE id = ?"),
    remove: connection.prepare("DELETE FROM messages WHERE id = ? AND receive_count = ? AND queue = ?"),
    removeAtHand: connection.prepare("DELETE FROM messages WHERE id = ? AND receive_count <= 1 AND queue = ?"),
    reveal: connection.prepare(
      "UPDATE messages SET hidden_until = ?, turn = ? WHERE id = ? AND receive_count = ? AND queue = ?",
    ),
    writeReceived: connection.prepare(
      `UPDATE messages SET hidden_until = ?, receive_count = 1 WHERE id = ? AND hidden_until = ${AT_HAND}`,
    ),
    // What was at hand may have been received before.
    revealAll: connection.prepare(
      `UPDATE messages SET hidden_until = NULL, receive_count = receive_count + (hidden_until = ${AT_HAND})
     WHERE queue = ? AND hidden_until IS NOT NULL`,
    ),
    countHandedOut: connection.prepare(
      "SELECT count(*) AS stuck FROM messages WHERE queue = ? AND hidden_until > ? AND hidden_until <= ?",
    ),
    // Counted in the indexes alone: walking the table would read every body, with the process standing still.
    count: connection.prepare(
      `SELECT (SELECT count(*) FROM messages WHERE queue = ?1 AND hidden_until IS NULL)
          + (SELECT count(*) FROM messages WHERE queue = ?1 AND hidden_until <= ?3) AS visible,
            (SELECT count(*) FROM messages WHERE queue = ?1 AND hidden_until > ?3) AS in_flight,
            (SELECT count(*) FROM messages WHERE queue = ?2 AND hidden_until IS NULL)
          + (SELECT count(*) FROM messages WHERE queue = ?2 AND hidden_until IS NOT NULL) AS dead`,
    ),
    // By the order in which they came: of one queue the first are soon found.
    oldest: connection.prepare("SELECT sent_at FROM messages WHERE queue = ? ORDER BY id LIMIT 1"),
  };
}
