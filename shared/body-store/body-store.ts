import type { Read } from "../domain/text/schema.ts";

/**
 * Event bodies that are too large to stand in the event store itself. Keys are made by `bodyKeyOf`, and sort by when
 * they expire, so that a body whose record was never written goes when its record would have gone.
 */
export interface BodyStore {
  /** Stores a body, durably once it resolves. The same key again replaces it. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * The bytes; or why this body can't be had, where the store itself works: it isn't there, or may not be read.
   * @throws TurnoutError `failed` when the store can't be asked just now, so that the same question may be answered later
   */
  get(key: string): Promise<Read<Uint8Array>>;
  /** Removes at most `limit` of the bodies that had expired by `now`, those that expired first. Returns how many. */
  expire(now: Date, limit: number): Promise<number>;
}

/** A body outlives its record by a day: whoever had begun to read the record can still read its body. */
const OUTLIVES_MS = 86_400_000;

const DIGITS = 14;

/** @param name tells bodies of the same expiry apart: letters, digits, `-` and `_` */
export function bodyKeyOf(recordExpiresAt: Date, name: string): string {
  return `${prefixOf(recordExpiresAt.getTime() + OUTLIVES_MS)}-${name}`;
}

/** True when the body under this key had expired by `now`. */
export function hasExpired(key: string, now: Date): boolean {
  return key.slice(0, DIGITS) <= prefixOf(now.getTime());
}

/** Keys of one length, so that they sort by time as texts do. */
function prefixOf(ms: number): string {
  return String(ms).padStart(DIGITS, "0");
}
