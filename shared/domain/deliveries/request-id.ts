import { sha256 } from "../hash.ts";
import type { LedgerEntry } from "./delivery.ts";

/**
 * What an attempt is called in a worker's log, in the form of a UUID. Made of the delivery and the attempt, so that whoever
 * asks what was printed for an event finds it without its having been stored.
 */
export function requestIdOf(deliveryKey: string, attempt: number): string {
  const hex = sha256(`${deliveryKey}#${attempt}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

type Attempts = Pick<LedgerEntry, "deliveryKey" | "attempt" | "attempts">;

/** What an attempt of a delivery is called in its version's log. */
export function requestIdIn({ deliveryKey, attempts }: Omit<Attempts, "attempt">, attempt: number): string {
  const known = attempts.find((one) => one.attempt === attempt);
  return known?.requestId ?? requestIdOf(deliveryKey, attempt);
}

/** What every attempt of it is called, with its number; also of those that the ledger remembers no more. */
export function requestIdsOf(entry: Attempts): Map<string, number> {
  const attempts = Array.from({ length: entry.attempt }, (_, index) => index + 1);
  return new Map(attempts.map((number) => [requestIdIn(entry, number), number]));
}

/** Of whom a line of a log tells, as far as is known. */
export type LineOrigin = { requestId?: string; attempt?: number; eventId?: string };

/** In a line that was written outside of any invocation. */
const NO_REQUEST = "-";

/** An origin as one word: `<request id>#<attempt>#<event id>`, the event's id escaped as in a URL. */
export function originTag({ requestId = NO_REQUEST, attempt, eventId }: LineOrigin): string {
  if (attempt === undefined || eventId === undefined) return requestId;
  return `${requestId}#${attempt}#${encodeURIComponent(eventId.toWellFormed())}`;
}

/** The request's id in an origin that has one. */
export function requestIdOfTag(tag: string): string {
  const end = tag.indexOf("#");
  return end < 0 ? tag : tag.slice(0, end);
}

/** Reads whatever word stands there; a log may be older than this form. */
export function readOriginTag(tag: string): LineOrigin {
  if (tag === NO_REQUEST) return {};
  const [requestId = "", attempt, eventId] = tag.split("#");
  if (attempt === undefined || eventId === undefined || !/^\d+$/.test(attempt)) return { requestId };
  return { requestId, attempt: Number(attempt), eventId: decoded(eventId) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
