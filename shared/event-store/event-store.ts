import type { Claim, ClaimRequest, EventRecord, RecordKey, RecordPlace } from "../domain/deliveries/delivery.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import type { DeliveryCounts } from "./delivery-counts.ts";
import type { DeliveryLedger } from "./delivery-ledger.ts";

/** Records that go by a name, the newest first, of all that have arrived since `from`. */
export type NamedRecords = { records: EventRecord[]; from: Date };

/** At most so many that go by it; enough is looked at once it is so many. */
export type NamedLimits = { found: number; looked: number };

/**
 * The stored events. A record whose body is lost or damaged is given out without it, and says why: it costs nobody but
 * itself.
 */
export interface EventRecords {
  /** Stores events durably. A record of the same key is replaced, and keeps its place where it is told none. */
  record(records: readonly EventRecord[]): Promise<void>;
  /** The records of these keys, one answer per key in the same order: undefined for one that isn't there (any more). */
  find(keys: readonly RecordKey[]): Promise<(EventRecord | undefined)[]>;
  /**
   * Records of a window by their `t0` that haven't expired by `now`, in the order of `compareRecords`, in pages of at most
   * `pageSize` (default 500). Complete for all that was stored before it was asked for. Between pages others get their turn.
   * @param after leaves out this record and all that come before it
   */
  records(window: TimeWindow, now: Date, pageSize?: number, after?: RecordPlace): AsyncIterable<EventRecord[]>;
  /**
   * Records of a window that go by this very name, their id, their publisher's key or the one that consumers see; where
   * none does, those of which it is a beginning. Looks at the newest alone: back to one that goes by the very name, or at
   * `limits.looked` of them at least.
   */
  named(name: string, window: TimeWindow, now: Date, limits: NamedLimits): Promise<NamedRecords>;
}

/** What one store of events has to be: its records, the ledger of their deliveries and the counts of both. */
export interface EventStore extends EventRecords, DeliveryLedger, DeliveryCounts {
  /** Removes at most `limit` of what expired before `now`, as far as the store doesn't do so by itself. Returns how many. */
  expire(now: Date, limit: number): Promise<number>;
}

/** An event that has just arrived, with its deliveries. */
export type Arrived = { record: EventRecord; requests: readonly ClaimRequest[] };

/** What a store can that writes records and ledger in one transaction. */
export interface RecordedClaims {
  /**
   * Stores events and claims their deliveries, durably, of each event all or nothing. As `record` and `claim`.
   * @returns of each event its claims in the same order; undefined where the ledger knew one of them, and nothing was stored
   */
  recordAndClaim(events: readonly Arrived[], owner: string, now: Date): Promise<(Claim[] | undefined)[]>;
  /** Makes that as if it had never been, of events of which nothing was sent. What others have taken over stays. */
  takeBack(events: readonly Arrived[], owner: string): Promise<void>;
}

/** For whoever reads what was published, and what became of it. */
export type StoredEvents = Pick<EventRecords, "records"> & Pick<DeliveryLedger, "deliveriesOf">;
