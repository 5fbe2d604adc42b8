import type { EventRecord, RecordPlace } from "../domain/deliveries/delivery.ts";

/** What a stored event says of itself, beside its place, its body and when it expires. */
export type RecordFacts = Omit<EventRecord, keyof RecordPlace | "body" | "unavailable" | "expiresAt">;

/** Their JSON. A publisher's key that is the event's id, as where none was given, is left out. */
export function factsText(record: EventRecord): string {
  const { messageId, id, source, detailType, time, idempotencyKey, subject, components, rejected } = record;
  const facts = { messageId, id, source, detailType, time, subject, components, rejected };
  return JSON.stringify(idempotencyKey === id ? facts : { ...facts, idempotencyKey });
}

/** What `factsText` made, parsed. */
export function factsOf(stored: unknown): RecordFacts | undefined {
  if (typeof stored !== "object" || stored === null) return undefined;
  const facts = "id" in stored ? { idempotencyKey: stored.id, ...stored } : stored;
  return hasFacts(facts) ? facts : undefined;
}

const TEXTS = ["messageId", "id", "source", "detailType", "time", "idempotencyKey"] as const;

/** Whether what was read of a record is that: a damaged text may still be JSON. */
export function hasFacts(value: unknown): value is RecordFacts {
  if (typeof value !== "object" || value === null) return false;
  const facts = value as Partial<Record<keyof RecordFacts, unknown>>;
  const { subject, components, rejected } = facts;
  return (
    TEXTS.every((name) => typeof facts[name] === "string") &&
    (rejected === undefined || typeof rejected === "string") &&
    typeof subject === "object" &&
    subject !== null &&
    Object.values(subject).every((id) => typeof id === "string") &&
    Array.isArray(components) &&
    components.every((name) => typeof name === "string")
  );
}
