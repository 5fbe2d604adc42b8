import type { EventRecord } from "../../domain/deliveries/delivery.ts";
import { parseEvent, routeMessage, unreadableKeyOf } from "../deliver/route-message.ts";
import type { RoutingView } from "../routing-cache.ts";

/** A stored event that can be read by now, and as what it was stored when it couldn't. */
export type ReadAnew = { record: EventRecord; stored: EventRecord };

/**
 * Reads once more an event that couldn't be read when it arrived, by where its source's key and subject stand now: under
 * the key that its publisher gave it, it is the same event as its repeats. That it was rejected stays with it, until
 * somebody has delivered it. Undefined for every other event, and where it can't be read yet.
 */
export function readAnew(stored: EventRecord, view: RoutingView, now: Date): ReadAnew | undefined {
  const { rejected, messageId, t0, sequence, body, eventKey, unavailable } = stored;
  if (rejected === undefined || unavailable !== undefined || eventKey !== unreadableKeyOf(messageId)) return undefined;
  const place = { sentAt: t0, ...(sequence !== undefined && { sequence }) };
  const message = { messageId, receiptHandle: "", body, receiveCount: 1, ...place };
  const { record, unknown } = routeMessage(parseEvent(message), view, now);
  if (unknown !== undefined || record.rejected !== undefined) return undefined;
  return { record: { ...record, rejected }, stored };
}
