import {
  type Claim,
  type ClaimRequest,
  type Close,
  compareRecords,
  type EventRecord,
  type LedgerEntry,
  type RecordKey,
  type RecordPlace,
} from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyIn } from "../../shared/domain/deliveries/delivery-key.ts";
import {
  claimAgainst,
  closeAgainst,
  closedAlready,
  isFirstClaim,
} from "../../shared/domain/deliveries/ledger-rules.ts";
import type { CountSpan } from "../../shared/domain/health/delivery-count.ts";
import type { CountsToStore } from "../../shared/domain/health/delivery-tally.ts";
import type { Failure } from "../../shared/domain/health/failure.ts";
import type { TimeWindow } from "../../shared/domain/text/time-window.ts";
import { together } from "../../shared/event-store/count-codec.ts";
import type { ReadCounts } from "../../shared/event-store/delivery-counts.ts";
import type { EventStore, RecordedClaims } from "../../shared/event-store/event-store.ts";
import { namedAmong } from "../../shared/event-store/named-records.ts";
import { between } from "./chance.ts";
import { InjectedFault } from "./faults.ts";
import type { SimulatedProcess, Surroundings } from "./simulated-process.ts";

/** Told of every change of a ledger entry. */
export type OnEntry = (before: LedgerEntry | undefined, after: LedgerEntry) => void;

export type MemoryEventStore = ReturnType<typeof memoryEventStore>;

/** Records and ledger in memory, statement by statement: each takes effect alone and at once. */
export function memoryEventStore(onEntry: OnEntry = () => {}) {
  const records = new Map<string, EventRecord>();
  const entries = new Map<string, Map<string, LedgerEntry>>();
  const stored = new Map<string, ReadCounts & { span: CountSpan; from: Date }>();
  const failures = new Map<string, Failure>();

  const recordKey = ({ t0, eventKey, payloadHash }: RecordKey) => `${t0.getTime()} ${eventKey} ${payloadHash}`;
  const entryOf = (deliveryKey: string) => entries.get(eventKeyIn(deliveryKey))?.get(deliveryKey);

  function put(entry: LedgerEntry): void {
    const siblings = entries.get(entry.eventKey) ?? new Map<string, LedgerEntry>();
    onEntry(siblings.get(entry.deliveryKey), entry);
    entries.set(entry.eventKey, siblings.set(entry.deliveryKey, entry));
  }

  return {
    entryOf,
    put,
    all: () => [...entries.values()].flatMap((siblings) => [...siblings.values()]),
    forget: (deliveryKey: string) => entries.get(eventKeyIn(deliveryKey))?.delete(deliveryKey),
    hasRecord: (key: RecordKey) => records.has(recordKey(key)),

    record(record: EventRecord): void {
      const { sequence = records.get(recordKey(record))?.sequence } = record;
      records.set(recordKey(record), { ...record, ...(sequence !== undefined && { sequence }) });
    },
    forgetRecord: (key: RecordKey) => void records.delete(recordKey(key)),
    find: (key: RecordKey) => records.get(recordKey(key)),
    claim(request: ClaimRequest, owner: string, now: Date): Claim {
      const { claim, entry } = claimAgainst(entryOf(request.deliveryKey), request, owner, now);
      if (entry !== undefined) put(entry);
      return claim;
    },
    /** @param again the store's client sends it again, because the answer was lost */
    close(close: Close, again = false): boolean {
      const entry = entryOf(close.deliveryKey);
      const closed = closeAgainst(entry, close);
      if (closed === undefined) return again && closedAlready(entry, close);
      put(closed);
      return true;
    },
    release(deliveryKey: string, owner: string): void {
      const entry = entryOf(deliveryKey);
      if (entry !== undefined && isFirstClaim(entry, owner)) entries.get(entry.eventKey)?.delete(deliveryKey);
    },
    reject(entry: LedgerEntry): void {
      if (entryOf(entry.deliveryKey) === undefined) put(entry);
    },
    handOver({ deliveryKey, attempt, dueAt }: LedgerEntry, until: Date): void {
      const entry = entryOf(deliveryKey);
      if (entry?.attempt !== attempt || entry.dueAt?.getTime() !== dueAt?.getTime()) return;
      put({ ...entry, dueAt: until });
    },
    due(now: Date, limit: number): LedgerEntry[] {
      const due: { entry: LedgerEntry; at: number }[] = [];
      for (const siblings of entries.values()) {
        for (const entry of siblings.values()) {
          if (entry.dueAt !== undefined && entry.dueAt <= now) due.push({ entry, at: entry.dueAt.getTime() });
        }
      }
      return due
        .sort((a, b) => a.at - b.at)
        .slice(0, limit)
        .map(({ entry }) => entry);
    },
    deliveriesOf(eventKeys: readonly string[]): Map<string, LedgerEntry[]> {
      return new Map(
        eventKeys.flatMap((key): [string, LedgerEntry[]][] => {
          const found = entries.get(key);
          return found === undefined || found.size === 0 ? [] : [[key, [...found.values()]]];
        }),
      );
    },
    /** The next page of a window, and all of it without a limit. */
    records({ from, to }: TimeWindow, now: Date, limit = Number.POSITIVE_INFINITY, after?: RecordPlace): EventRecord[] {
      return [...records.values()]
        .filter(({ t0, expiresAt }) => t0 >= from && t0 < to && expiresAt > now)
        .filter((record) => after === undefined || compareRecords(record, after) > 0)
        .sort(compareRecords)
        .slice(0, limit);
    },
    count(counted: CountsToStore, instance: string): void {
      for (const { span, from, ...read } of counted.spans) {
        const counts = [...read.counts];
        stored.set(`${span} ${from.getTime()} ${instance}`, { span, from, counts, dropped: read.dropped });
      }
      for (const failure of counted.failures) failures.set(failure.deliveryKey, failure);
    },
    counts({ from, to }: TimeWindow, span: CountSpan): ReadCounts {
      return together([...stored.values()].filter((one) => one.span === span && one.from >= from && one.from < to));
    },
    failures: (component: string, { from, to }: TimeWindow, limit: number) =>
      [...failures.values()]
        .filter((one) => one.component === component && one.at >= from && one.at < to)
        .sort((a, b) => b.at.getTime() - a.at.getTime())
        .slice(0, limit),
  };
}

const BATCH = {
  "batch half applied": 0.02,
  "batch in two parts": 0.03,
  "request repeated by the store's client": 0.02,
};

const DEFAULT_PAGE_SIZE = 500;

/** How far the parts of a batch, or a request and its repetition, may lie apart, in ms. */
const MAX_APART_MS = 1_500;

/**
 * The store as a process far from it sees it, with DynamoDB's habits: a batch is not one transaction. Its statements may
 * take effect one after the other, some of them only, or all of them twice.
 */
export function distantEventStore(
  { time, chance }: Surroundings,
  process: SimulatedProcess,
  store: MemoryEventStore,
): EventStore & RecordedClaims {
  function batch<S, A>(name: string, statements: readonly S[], apply: (s: S, again?: boolean) => A): Promise<A[]> {
    return process.call(name, async (point) => {
      const apart = () => time.delay(between(chance(`${point} apart`), 1, MAX_APART_MS));
      const kind = process.strike(`${point} at the store`, BATCH);
      switch (kind) {
        case "batch half applied":
          for (const [index, statement] of statements.entries()) {
            if (chance(`${point} statement ${index}`) < 0.5) apply(statement);
          }
          throw new InjectedFault(`${point}: ${kind}`);
        case "batch in two parts": {
          const middle = Math.ceil(statements.length / 2);
          const first = statements.slice(0, middle).map((statement) => apply(statement));
          await apart();
          return [...first, ...statements.slice(middle).map((statement) => apply(statement))];
        }
        case "request repeated by the store's client":
          for (const statement of statements) apply(statement);
          await apart();
          return statements.map((statement) => apply(statement, true));
        default:
          return statements.map((statement) => apply(statement));
      }
    });
  }

  async function* records(window: TimeWindow, now: Date, pageSize = DEFAULT_PAGE_SIZE, cursor?: RecordPlace) {
    let after = cursor;
    for (;;) {
      const page = await process.call("records", () => store.records(window, now, pageSize, after));
      if (page.length > 0) yield page;
      if (page.length < pageSize) return;
      after = page.at(-1);
    }
  }

  return {
    record: async (records) => void (await batch("record", records, (record) => store.record(record))),
    find: (keys) => process.call("find", () => keys.map((key) => store.find(key))),
    claim: (requests, owner, now) => batch("claim", requests, (request) => store.claim(request, owner, now)),
    // The embedded store alone can do that: in one transaction.
    recordAndClaim: (events, owner, now) =>
      process.call("record and claim", () =>
        events.map(({ record, requests }) => {
          if (requests.some(({ deliveryKey }) => store.entryOf(deliveryKey) !== undefined)) return undefined;
          store.record(record);
          return requests.map((request) => store.claim(request, owner, now));
        }),
      ),
    takeBack: (events, owner) =>
      process.call("take back", () => {
        for (const { record, requests } of events) {
          for (const { deliveryKey } of requests) store.release(deliveryKey, owner);
          if (requests.every(({ deliveryKey }) => store.entryOf(deliveryKey) === undefined)) store.forgetRecord(record);
        }
      }),
    close: (closes) => batch("close", closes, (close, again) => store.close(close, again)),
    release: async (keys, owner) => void (await batch("release", keys, (key) => store.release(key, owner))),
    reject: async (entries) => void (await batch("reject", entries, (entry) => store.reject(entry))),
    due: (now, limit) => process.call("due", () => store.due(now, limit)),
    handOver: async (entries, until) =>
      void (await batch("hand over", entries, (entry) => store.handOver(entry, until))),
    records,
    named: (...wanted) => namedAmong({ records }, ...wanted),
    deliveriesOf: (eventKeys) => process.call("read deliveries", () => store.deliveriesOf(eventKeys)),
    deliveries: (keys) => process.call("read entries", () => keys.map((key) => store.entryOf(key))),
    count: (counted, instance) => process.call("count", () => store.count(counted, instance)),
    counts: (window, span) => process.call("read counts", () => store.counts(window, span)),
    failures: (component, window, limit) =>
      process.call("read failures", () => store.failures(component, window, limit)),
    expire: async () => 0,
  };
}
