import type { Claim, ClaimRequest, Close, EventRecord, LedgerEntry } from "../domain/delivery.ts";

/** A stretch of time by the records' `t0`: `from` inclusive, `to` exclusive. */
export type RecordWindow = { from: Date; to: Date };

/** The stored events and the ledger of their deliveries. */
export interface EventStore {
  /** Stores events durably. The same record again changes nothing. */
  record(records: readonly EventRecord[]): Promise<void>;
  /**
   * Claims deliveries for `owner`, durably, one answer per request in the same order. `deliveryKey`s are distinct.
   * @param owner drawn at random per batch: a repeated request recognises its own claims and nobody else's
   */
  claim(requests: readonly ClaimRequest[], owner: string, now: Date): Promise<Claim[]>;
  /** Closes attempts, one answer per close: false when a newer attempt has taken over, and nothing was changed. */
  close(closes: readonly Close[]): Promise<boolean[]>;
  /** Stores deliveries that were refused for good, durably. The same delivery key again changes nothing. */
  reject(entries: readonly LedgerEntry[]): Promise<void>;
  /** Records of a window, oldest first, in pages of at most `pageSize` (default 500). */
  records(window: RecordWindow, pageSize?: number): AsyncIterable<EventRecord[]>;
  /** Ledger entries of these events, all components and generations, by event key. */
  deliveriesOf(eventKeys: readonly string[]): Promise<ReadonlyMap<string, LedgerEntry[]>>;
}
