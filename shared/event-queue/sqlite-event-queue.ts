import { randomUUID } from "node:crypto";
import type { Database } from "../sqlite/database.ts";
import type { EventQueue, ReceivedMessage } from "./event-queue.ts";
import { fairTurns } from "./fair-turns.ts";

// `hidden_until` is null while a message is visible; `turn` is its place in the order in which they are taken.
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

/** Receives after which a message goes to the dead-letter queue. High: deliveries die by their own count long before. */
const DEFAULT_MAX_RECEIVE_COUNT = 1_000;

/** The longest time after which a message is told to come back: a lease, of 845 s at most. */
const MAX_COMING_BACK_MS = 900_000;

export type SqliteQueueOptions = {
  /** Default `live`. What a queue gives up is in the one called `<name>-dead`, which gives nothing up. */
  name?: string;
  maxReceiveCount?: number;
};

/** A queue in the state file. Times are whole milliseconds since the epoch. */
export function sqliteEventQueue(
  database: Database,
  { name = "live", maxReceiveCount = DEFAULT_MAX_RECEIVE_COUNT }: SqliteQueueOptions = {},
): EventQueue & {
  releaseAll(): Promise<void>;
  /** How many messages were handed out before then, and have neither been deleted nor told when to come back. */
  handedOutBefore(at: Date, visibilityMs: number, now: Date): Promise<number>;
} {
  const { connection } = database;
  connection.exec(TABLES);
  const turnOf = fairTurns();
  const deadName = `${name}-dead`;
  const lastQueue = name.endsWith("-dead");
  const insert = connection.prepare(
    "INSERT INTO messages (queue, message_id, body, sent_at, fair_group, turn) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const selectWaiting = connection.prepare(
    `SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND hidden_until IS NULL)
         OR EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND hidden_until <= ?2) AS waiting`,
  );
  const wake = connection.prepare("UPDATE messages SET hidden_until = NULL WHERE queue = ? AND hidden_until <= ?");
  const selectVisible = connection.prepare(
    `SELECT id, message_id, body, sent_at, receive_count, fair_group FROM messages
     WHERE queue = ? AND hidden_until IS NULL AND turn <= ? ORDER BY turn, id LIMIT ?`,
  );
  const hide = connection.prepare(
    "UPDATE messages SET hidden_until = ?, receive_count = receive_count + 1 WHERE id = ?",
  );
  const bury = connection.prepare("UPDATE messages SET queue = ?, turn = ?, receive_count = 0 WHERE id = ?");
  const remove = connection.prepare("DELETE FROM messages WHERE id = ? AND receive_count = ? AND queue = ?");
  const reveal = connection.prepare(
    "UPDATE messages SET hidden_until = ?, turn = ? WHERE id = ? AND receive_count = ? AND queue = ?",
  );
  const revealAll = connection.prepare(
    "UPDATE messages SET hidden_until = NULL WHERE queue = ? AND hidden_until IS NOT NULL",
  );
  const countHandedOut = connection.prepare(
    "SELECT count(*) AS stuck FROM messages WHERE queue = ? AND hidden_until > ? AND hidden_until <= ?",
  );
  // Counted in the indexes alone: walking the table would read every body, with the process standing still.
  const count = connection.prepare(
    `SELECT (SELECT count(*) FROM messages WHERE queue = ?1 AND hidden_until IS NULL)
          + (SELECT count(*) FROM messages WHERE queue = ?1 AND hidden_until <= ?3) AS visible,
            (SELECT count(*) FROM messages WHERE queue = ?1 AND hidden_until > ?3) AS in_flight,
            (SELECT count(*) FROM messages WHERE queue = ?2 AND hidden_until IS NULL)
          + (SELECT count(*) FROM messages WHERE queue = ?2 AND hidden_until IS NOT NULL) AS dead`,
  );

  return {
    send(messages, now) {
      const at = now.getTime();
      return database.write(() =>
        messages.map((message) => {
          const messageId = randomUUID();
          const { body, group } = typeof message === "string" ? { body: message, group: undefined } : message;
          insert.run(name, messageId, body, at, group ?? null, turnOf(group, at));
          return messageId;
        }),
      );
    },
    async receive(max, visibilityMs, now, inTurnOnly = false) {
      const at = now.getTime();
      const latestTurn = inTurnOnly ? at : Number.MAX_SAFE_INTEGER;
      // A look before the transaction: an idle poll must not take the write lock from other processes.
      if (selectWaiting.get(name, at)?.waiting === 0) return [];
      return database.write(() => {
        wake.run(name, at);
        const received: ReceivedMessage[] = [];
        for (const row of selectVisible.all(name, latestTurn, max)) {
          const id = Number(row.id);
          const receiveCount = Number(row.receive_count) + 1;
          if (receiveCount > maxReceiveCount && !lastQueue) {
            bury.run(deadName, at, id);
            continue;
          }
          hide.run(at + visibilityMs, id);
          received.push({
            messageId: String(row.message_id),
            receiptHandle: `${id}:${receiveCount}`,
            body: String(row.body),
            sentAt: new Date(Number(row.sent_at)),
            sequence: id,
            receiveCount,
            ...(row.fair_group === null ? {} : { group: String(row.fair_group) }),
          });
        }
        return received;
      });
    },
    delete(receiptHandles) {
      return database.write(() => {
        for (const handle of receiptHandles) remove.run(...parseHandle(handle), name);
      });
    },
    changeVisibility(receiptHandle, visibilityMs, now) {
      const visibleAt = now.getTime() + visibilityMs;
      return database.write(() => {
        // It takes its place among those that are sent when it comes back: an old one would let it go before all.
        reveal.run(visibleAt, visibleAt, ...parseHandle(receiptHandle), name);
      });
    },
    async depth(now) {
      const row = count.get(name, deadName, now.getTime());
      return { visible: Number(row?.visible), inFlight: Number(row?.in_flight), dead: Number(row?.dead) };
    },
    async handedOutBefore(at, visibilityMs, now) {
      // What was told when to come back is hidden for a lease at most.
      const comesBack = now.getTime() + MAX_COMING_BACK_MS;
      return Number(countHandedOut.get(name, comesBack, at.getTime() + visibilityMs)?.stuck);
    },
    /** Makes every hidden message visible. Only for the sole consumer at start: whoever hid them is gone. */
    releaseAll() {
      return database.write(() => {
        revealAll.run(name);
      });
    },
  };
}

function parseHandle(handle: string): [id: number, receiveCount: number] {
  const [id, receiveCount] = handle.split(":").map(Number);
  return [id ?? 0, receiveCount ?? 0];
}
