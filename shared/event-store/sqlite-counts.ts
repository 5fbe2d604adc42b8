import { type CountSpan, countSpans } from "../domain/health/delivery-count.ts";
import type { Failure } from "../domain/health/failure.ts";
import type { Database } from "../sqlite/database.ts";
import { decodeFailure, decodeSpan, encodeFailure, encodeSpan, together } from "./count-codec.ts";
import type { DeliveryCounts, ReadCounts } from "./delivery-counts.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS delivery_counts (
    span TEXT NOT NULL,
    starts INTEGER NOT NULL,
    instance TEXT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (span, starts, instance)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS failures (
    component TEXT NOT NULL,
    at INTEGER NOT NULL,
    delivery_key TEXT NOT NULL,
    failure TEXT NOT NULL,
    PRIMARY KEY (component, at, delivery_key)
  ) STRICT, WITHOUT ROWID;
`;

/** Counts and failures are kept as long as most events are. */
const KEPT_MS = 30 * 86_400_000;

/** Counts of deliveries in the state file: a row per span and process. */
export function sqliteCounts(database: Database): DeliveryCounts & {
  /** Whether anything has expired, and what removes it: how many rows were removed, inside a write. */
  expired(now: Date): boolean;
  removeExpired(now: Date, limit: number): number;
} {
  const { connection } = database;
  connection.exec(TABLES);
  const putSpan = connection.prepare(
    `INSERT INTO delivery_counts (span, starts, instance, counts) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT DO UPDATE SET counts = ?4`,
  );
  const putFailure = connection.prepare(
    "INSERT OR REPLACE INTO failures (component, at, delivery_key, failure) VALUES (?, ?, ?, ?)",
  );
  const selectSpans = connection.prepare(
    "SELECT starts, counts FROM delivery_counts WHERE span = ? AND starts >= ? AND starts < ?",
  );
  const selectFailures = connection.prepare(
    `SELECT component, at, delivery_key, failure FROM failures WHERE component = ? AND at >= ? AND at < ?
     ORDER BY at DESC, delivery_key LIMIT ?`,
  );
  const spans = Object.keys(countSpans) as CountSpan[];
  const oldSpan = connection.prepare("SELECT 1 FROM delivery_counts WHERE span = ? AND starts <= ? LIMIT 1");
  const removeSpans = connection.prepare(
    `DELETE FROM delivery_counts WHERE (span, starts, instance) IN
       (SELECT span, starts, instance FROM delivery_counts WHERE span = ? AND starts <= ? LIMIT ?)`,
  );
  // By component: its failures stand in order of time, and those of all do not.
  const components = connection.prepare("SELECT DISTINCT component FROM failures");
  const oldFailure = connection.prepare("SELECT 1 FROM failures WHERE component = ? AND at <= ? LIMIT 1");
  const removeFailures = connection.prepare(
    `DELETE FROM failures WHERE (component, at, delivery_key) IN
       (SELECT component, at, delivery_key FROM failures WHERE component = ? AND at <= ? LIMIT ?)`,
  );
  const failing = () => components.all().map(({ component }) => String(component));

  return {
    count({ spans: counted, failures }, instance) {
      return database.write(() => {
        for (const one of counted) putSpan.run(one.span, one.from.getTime(), instance, encodeSpan(one));
        for (const one of failures)
          putFailure.run(one.component, one.at.getTime(), one.deliveryKey, encodeFailure(one));
      });
    },
    async counts({ from, to }, span) {
      return together(
        selectSpans
          .all(span, from.getTime(), to.getTime())
          .flatMap(({ starts, counts }) => readSpan(new Date(Number(starts)), String(counts))),
      );
    },
    async failures(component, { from, to }, limit) {
      return selectFailures.all(component, from.getTime(), to.getTime(), limit).flatMap(readFailure);
    },
    expired(now) {
      const at = now.getTime() - KEPT_MS;
      return (
        spans.some((span) => oldSpan.get(span, at) !== undefined) ||
        failing().some((component) => oldFailure.get(component, at) !== undefined)
      );
    },
    removeExpired(now, limit) {
      const at = now.getTime() - KEPT_MS;
      let left = limit;
      for (const span of spans) left -= Number(removeSpans.run(span, at, left).changes);
      for (const component of failing()) left -= Number(removeFailures.run(component, at, left).changes);
      return limit - left;
    },
  };
}

/** One that is damaged costs nobody but itself. */
function readSpan(at: Date, text: string): ReadCounts[] {
  try {
    return [decodeSpan(at, text)];
  } catch {
    return [];
  }
}

function readFailure(row: Record<string, unknown>): Failure[] {
  const of = {
    at: new Date(Number(row.at)),
    component: String(row.component),
    deliveryKey: String(row.delivery_key),
  };
  try {
    return [decodeFailure(of, String(row.failure))];
  } catch {
    return [];
  }
}
