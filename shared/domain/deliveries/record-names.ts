import { eventKeyOfDelivered } from "./delivered-event.ts";
import type { EventRecord } from "./delivery.ts";

type Names = Pick<EventRecord, "id" | "idempotencyKey" | "eventKey">;

/** Whether an event goes by this very name: its id, its publisher's key, or the key that consumers see. */
export function isCalled({ id, idempotencyKey, eventKey }: Names, wanted: string): boolean {
  return id === wanted || idempotencyKey === wanted || eventKey === (eventKeyOfDelivered(wanted) ?? wanted);
}

/** Whether one of an event's names begins so. */
export function isCalledLike({ id, idempotencyKey, eventKey }: Names, beginning: string): boolean {
  return [id, idempotencyKey, eventKey].some((name) => name.startsWith(beginning));
}
