import type { EventStore } from "../../shared/event-store/event-store.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { surrounded } from "../support/port-calls.ts";
import { distantEventStore, type MemoryEventStore } from "./memory-event-store.ts";
import type { SimulatedProcess, Surroundings } from "./simulated-process.ts";

/** The store of a world, from afar and from right beside it. */
export type Ledger = {
  seenBy(process: SimulatedProcess): EventStore;
  near: Pick<EventStore, "records" | "deliveriesOf">;
  isSettled(): boolean;
  close(): void;
};

export function memoryLedger(surroundings: Surroundings, store: MemoryEventStore): Ledger {
  const atRest = new Set(["done", "dead", "rejected"]);
  return {
    seenBy: (process) => distantEventStore(surroundings, process, store),
    near: {
      async *records(window) {
        yield [...store.records(window)];
      },
      deliveriesOf: async (keys) => store.deliveriesOf(keys),
    },
    isSettled: () => store.all().every(({ status }) => atRest.has(status)),
    close: () => {},
  };
}

const calls = ["record", "find", "claim", "close", "reject", "due", "handOver", "deliveriesOf", "count"] as const;

/** The embedded runtime's own store. What it does is done in one transaction, or not at all. */
export function sqliteLedger({ time }: Surroundings): Ledger {
  const database = openDatabase(":memory:");
  const store = sqliteEventStore(database);
  const unsettled = database.connection.prepare(
    "SELECT count(*) AS count FROM deliveries WHERE status NOT IN ('done', 'dead', 'rejected')",
  );
  return {
    seenBy: (process) => surrounded(store, calls, (name, work) => process.call(name, () => time.work(work))),
    near: store,
    isSettled: () => unsettled.get()?.count === 0,
    close: () => database.close(),
  };
}
