import type { Claim, ClaimRequest, Close, LedgerEntry } from "../domain/deliveries/delivery.ts";

/** What becomes of each delivery: who is at it, what was tried, and how it ended. */
export interface DeliveryLedger {
  /**
   * Claims deliveries for `owner`, durably, one answer per request in the same order. `deliveryKey`s are distinct.
   * @param owner drawn at random per batch: a repeated request recognises its own claims and nobody else's
   */
  claim(requests: readonly ClaimRequest[], owner: string, now: Date): Promise<Claim[]>;
  /**
   * Takes back claims of deliveries that nothing was ever tried for, as if they had never been made: first claims, and
   * those of what has only been put off. One that isn't claimed by this owner, or was begun before, is left alone.
   */
  release(deliveryKeys: readonly string[], owner: string): Promise<void>;
  /**
   * Closes attempts, durably, one answer per close in the same order: false when a newer attempt has taken over, and
   * nothing was changed, also when the very same close was made before. `deliveryKey`s are distinct. A store that has to
   * repeat its own request, because the answer was lost, answers as that first request did.
   */
  close(closes: readonly Close[]): Promise<boolean[]>;
  /** Stores deliveries that were refused for good, durably. The same delivery key again changes nothing. */
  reject(entries: readonly LedgerEntry[]): Promise<void>;
  /** At most `limit` deliveries whose `dueAt` has come, those due longest first. */
  due(now: Date, limit: number): Promise<LedgerEntry[]>;
  /**
   * Notes that the queue has a message for each of these: moves their `dueAt` to `until`, so that they are looked at
   * again if nothing comes of it. One that has been claimed or closed since is left alone.
   */
  handOver(entries: readonly LedgerEntry[], until: Date): Promise<void>;
  /** Ledger entries of these events, all components and generations, by event key. As the last answered write left them. */
  deliveriesOf(eventKeys: readonly string[]): Promise<ReadonlyMap<string, LedgerEntry[]>>;
  /**
   * The ledger entries under these keys, one answer per key in the same order: undefined for one that isn't there. As the
   * last answered write left them. `deliveryKeys` are distinct.
   */
  deliveries(deliveryKeys: readonly string[]): Promise<(LedgerEntry | undefined)[]>;
}
