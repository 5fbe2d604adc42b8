import { payloadHashOf } from "../../shared/domain/deliveries/delivery-key.ts";
import type { BusEvent } from "../../shared/domain/events/event.ts";
import { type EventEntry, envelopeOf, eventOf } from "../../shared/domain/events/event-entry.ts";

/** An entry that is taken in, under the id that it was given. */
export type AcceptedEntry = { id: string; entry: EventEntry };

/** An event that has come in at the front door, read once for all that follows. */
export type Arrival = {
  event: BusEvent;
  /** Its text for the queue. */
  body: string;
  payloadHash: string;
  /** What stands in its detail's `metadata`. */
  metadata: unknown;
};

export function arrivalOf({ id, entry }: AcceptedEntry, now: Date): Arrival {
  const body = envelopeOf(entry, { id, now });
  const event = eventOf(entry, { id, now });
  return { event, body, payloadHash: payloadHashOf(event, body), metadata: entry.said.metadata };
}
