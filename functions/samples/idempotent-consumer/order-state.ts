import { DatabaseSync } from "node:sqlite";

/**
 * An idempotent consumer as a plain state machine: an order goes from `placed` to `paid` to `shipped`. The effect of an
 * event and the note of its key, which no other event has, are one transaction, so that a second delivery of it changes
 * nothing, however often and whenever it comes; and a step that the order has taken already isn't taken again, so that
 * it may run the event once more in a replay, under another key.
 */
export type OrderEvent = {
  "detail-type": string;
  detail: { order: string };
  turnout: { idempotencyKey: string; generation: string; replay: string | null };
};

export type OrderState = "placed" | "paid" | "shipped";

/** `repeated`: this very delivery came before. `unchanged`: the order is that far already, or not far enough yet. */
export type Applied = { outcome: "changed" | "unchanged" | "repeated"; state: OrderState | undefined };

const STATES: readonly OrderState[] = ["placed", "paid", "shipped"];

const stateAfter: Record<string, OrderState> = {
  "order placed": "placed",
  "order paid": "paid",
  "order shipped": "shipped",
};

export function openOrders(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE IF NOT EXISTS handled (key TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;
  `);
  return database;
}

/** Gives an event its effect. @throws what the database throws; then nothing has happened, and it is delivered again */
export function applyOrderEvent(database: DatabaseSync, event: OrderEvent, now: Date): Applied {
  const { order } = event.detail;
  database.exec("BEGIN IMMEDIATE");
  try {
    const { changes } = database
      .prepare("INSERT INTO handled VALUES (?, ?) ON CONFLICT DO NOTHING")
      .run(event.turnout.idempotencyKey, now.toISOString());
    const before = stateOf(database, order);
    const outcome =
      Number(changes) === 0 ? "repeated" : move(database, order, before, stateAfter[event["detail-type"]]);
    database.exec("COMMIT");
    return { outcome, state: stateOf(database, order) };
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function move(
  database: DatabaseSync,
  order: string,
  before: OrderState | undefined,
  next: OrderState | undefined,
): "changed" | "unchanged" {
  const isNext = next !== undefined && STATES.indexOf(next) === (before === undefined ? 0 : STATES.indexOf(before) + 1);
  if (!isNext) return "unchanged";
  database.prepare("INSERT OR REPLACE INTO orders VALUES (?, ?)").run(order, next);
  return "changed";
}

function stateOf(database: DatabaseSync, order: string): OrderState | undefined {
  const row = database.prepare("SELECT state FROM orders WHERE id = ?").get(order);
  return row === undefined ? undefined : (String(row.state) as OrderState);
}
