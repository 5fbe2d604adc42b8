import { randomUUID } from "node:crypto";
import type { Database } from "../sqlite/database.ts";
import type { EventQueue, ReceivedMessage } from "./event-queue.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS queue_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    dead_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS queue_messages_visible ON queue_messages (visible_at, id) WHERE dead_at IS NULL;
  CREATE INDEX IF NOT EXISTS queue_messages_dead ON queue_messages (dead_at) WHERE dead_at IS NOT NULL;
`;

/** Receives after which a message goes to the dead-letter queue. High: deliveries die by their own count long before. */
export const DEFAULT_MAX_RECEIVE_COUNT = 1_000;

/** The live queue in the state file. Times are whole milliseconds since the epoch. */
export function sqliteEventQueue(
  database: Database,
  maxReceiveCount = DEFAULT_MAX_RECEIVE_COUNT,
): EventQueue & { releaseAll(now: Date): Promise<void> } {
  const { connection } = database;
  connection.exec(TABLES);
  const insert = connection.prepare(
    "INSERT INTO queue_messages (message_id, body, sent_at, visible_at) VALUES (?, ?, ?, ?)",
  );
  const selectVisible = connection.prepare(
    `SELECT id, message_id, body, sent_at, receive_count FROM queue_messages
     WHERE dead_at IS NULL AND visible_at <= ? ORDER BY visible_at, id LIMIT ?`,
  );
  const hide = connection.prepare(
    "UPDATE queue_messages SET visible_at = ?, receive_count = receive_count + 1 WHERE id = ?",
  );
  const bury = connection.prepare("UPDATE queue_messages SET dead_at = ? WHERE id = ?");
  const remove = connection.prepare(
    "DELETE FROM queue_messages WHERE id = ? AND receive_count = ? AND dead_at IS NULL",
  );
  const reveal = connection.prepare(
    "UPDATE queue_messages SET visible_at = ? WHERE id = ? AND receive_count = ? AND dead_at IS NULL",
  );
  const revealAll = connection.prepare("UPDATE queue_messages SET visible_at = ? WHERE visible_at > ?");
  // Counted in the indexes alone: walking the table would read every body, with the process standing still.
  const count = connection.prepare(
    `SELECT (SELECT count(*) FROM queue_messages WHERE dead_at IS NULL AND visible_at <= ?1) AS visible,
            (SELECT count(*) FROM queue_messages WHERE dead_at IS NULL AND visible_at > ?1) AS in_flight,
            (SELECT count(*) FROM queue_messages WHERE dead_at IS NOT NULL) AS dead`,
  );

  return {
    send(bodies, now) {
      const at = now.getTime();
      return database.write(() =>
        bodies.map((body) => {
          const messageId = randomUUID();
          insert.run(messageId, body, at, at);
          return messageId;
        }),
      );
    },
    async receive(max, visibilityMs, now) {
      const at = now.getTime();
      // A look before the transaction: an idle poll must not take the write lock from other processes.
      if (selectVisible.get(at, 1) === undefined) return [];
      return database.write(() => {
        const received: ReceivedMessage[] = [];
        for (const row of selectVisible.all(at, max)) {
          const id = Number(row.id);
          const receiveCount = Number(row.receive_count) + 1;
          if (receiveCount > maxReceiveCount) {
            bury.run(at, id);
            continue;
          }
          hide.run(at + visibilityMs, id);
          received.push({
            messageId: String(row.message_id),
            receiptHandle: `${id}:${receiveCount}`,
            body: String(row.body),
            sentAt: new Date(Number(row.sent_at)),
            receiveCount,
          });
        }
        return received;
      });
    },
    delete(receiptHandles) {
      return database.write(() => {
        for (const handle of receiptHandles) remove.run(...parseHandle(handle));
      });
    },
    changeVisibility(receiptHandle, visibilityMs, now) {
      const visibleAt = now.getTime() + visibilityMs;
      return database.write(() => {
        reveal.run(visibleAt, ...parseHandle(receiptHandle));
      });
    },
    async depth(now) {
      const row = count.get(now.getTime());
      return { visible: Number(row?.visible), inFlight: Number(row?.in_flight), dead: Number(row?.dead) };
    },
    /** Makes every hidden message visible. Only for the sole consumer at start: whoever hid them is gone. */
    releaseAll(now) {
      const at = now.getTime();
      return database.write(() => {
        revealAll.run(at, at);
      });
    },
  };
}

function parseHandle(handle: string): [id: number, receiveCount: number] {
  const [id, receiveCount] = handle.split(":").map(Number);
  return [id ?? 0, receiveCount ?? 0];
}
