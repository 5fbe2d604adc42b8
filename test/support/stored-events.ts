import type { EventRecord, LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";

/** When the stored event arrived. */
export const ARRIVED = new Date("2026-11-20T10:00:00.000Z");

const FAR = new Date("2027-01-17T10:00:00.000Z");

export function aRecord(about: Partial<EventRecord> = {}): EventRecord {
  return {
    t0: ARRIVED,
    eventKey: "key",
    payloadHash: "hash",
    messageId: "message-1",
    id: "event-1",
    source: "shop",
    detailType: "order placed",
    time: "2026-11-20T10:00:00Z",
    idempotencyKey: "event-1",
    subject: {},
    components: ["mailer"],
    body: "{}",
    expiresAt: FAR,
    ...about,
  };
}

/** A delivery of that event, done at its first attempt; its key follows from the rest. */
export function anEntry(about: Partial<LedgerEntry> = {}): LedgerEntry {
  const { component = "mailer", eventKey = "key", generation = "live", status = "done" } = about;
  return {
    deliveryKey: deliveryKeyOf(component, eventKey, generation),
    component,
    eventKey,
    generation,
    status,
    attempt: 1,
    failures: 0,
    lapses: 0,
    since: ARRIVED,
    owner: "owner-1",
    leaseUntil: ARRIVED,
    payloadHash: "hash",
    t0: ARRIVED,
    alias: "stable",
    because: "default alias",
    routingRevision: 1,
    attempts: [],
    expiresAt: FAR,
    ...about,
  };
}
