import type { EventStore, RecordedClaims, StoredEvents } from "../../shared/event-store/event-store.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import { sqliteReplayStore } from "../../shared/replay-store/sqlite-replay-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { memoryReplayStore } from "../support/memory-replay-store.ts";
import { surrounded } from "../support/port-calls.ts";
import { distantEventStore, type MemoryEventStore } from "./memory-event-store.ts";
import type { SimulatedProcess, Surroundings } from "./simulated-process.ts";

/** The store of a world, from afar and from right beside it. */
export type Ledger = {
  seenBy(process: SimulatedProcess): EventStore & RecordedClaims;
  near: StoredEvents;
  replays: ReplayStore;
  isSettled(): boolean;
  close(): void;
};

export function memoryLedger(surroundings: Surroundings, store: MemoryEventStore): Ledger {
  const atRest = new Set(["done", "dead", "rejected"]);
  return {
    seenBy: (process) => distantEventStore(surroundings, process, store),
    near: {
      async *records(window, now) {
        yield store.records(window, now);
      },
      deliveriesOf: async (keys) => store.deliveriesOf(keys),
    },
    replays: memoryReplayStore(),
    isSettled: () => store.all().every(({ status }) => atRest.has(status)),
    close: () => {},
  };
}

const calls = [
  "record",
  "find",
  "claim",
  "recordAndClaim",
  "takeBack",
  "release",
  "close",
  "reject",
  "due",
  "handOver",
  "deliveriesOf",
  "deliveries",
  "count",
] as const;

const DEFAULT_PAGE_SIZE = 500;

/** The embedded runtime's own store. What it does is done in one transaction, or not at all. */
export function sqliteLedger({ time }: Surroundings): Ledger {
  const database = openDatabase(":memory:");
  const store = sqliteEventStore(database);
  const unsettled = database.connection.prepare(
    "SELECT count(*) AS count FROM deliveries WHERE status NOT IN ('done', 'dead', 'rejected')",
  );
  const recordsSeenBy = (process: SimulatedProcess): EventStore["records"] =>
    async function* (window, now, pageSize = DEFAULT_PAGE_SIZE, cursor) {
      let after = cursor;
      for (;;) {
        const page = await process.call("records", () =>
          time.work(async () => {
            for await (const first of store.records(window, now, pageSize, after)) return first;
            return [];
          }),
        );
        if (page.length > 0) yield page;
        if (page.length < pageSize) return;
        after = page.at(-1);
      }
    };
  return {
    seenBy: (process) => ({
      ...surrounded(store, calls, (name, work) => process.call(name, () => time.work(work))),
      records: recordsSeenBy(process),
    }),
    near: store,
    replays: sqliteReplayStore(database),
    isSettled: () => unsettled.get()?.count === 0,
    close: () => database.close(),
  };
}
