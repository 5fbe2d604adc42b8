import type { EventRecord, RecordKey } from "../../domain/deliveries/delivery.ts";
import type { Failure } from "../../domain/health/failure.ts";
import { MAX_EVENT_CHARS } from "../../domain/health/trait-index.ts";
import { readJson } from "../../domain/text/schema.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";

/** A failure, and the event that it is of: undefined where that can't be had any more. */
export type FailureOfEvent = { failure: Failure; t0?: Date; event?: object };

/** Failures whose events are read together: their bodies are in memory at once. */
const AT_ONCE = 50;

/** Failures with their events, in the order of the failures. */
export async function* withEvents(
  events: Pick<EventRecords, "find"> & Pick<DeliveryLedger, "deliveries">,
  failures: readonly Failure[],
): AsyncGenerator<FailureOfEvent> {
  for (let n = 0; n < failures.length; n += AT_ONCE) {
    const some = failures.slice(n, n + AT_ONCE);
    const entries = await events.deliveries([...new Set(some.map(({ deliveryKey }) => deliveryKey))]);
    const known = entries.filter((entry) => entry !== undefined);
    const keys = known.map(({ t0, eventKey, payloadHash }): RecordKey => ({ t0, eventKey, payloadHash }));
    const records = await events.find(keys);
    const byDelivery = new Map(known.map(({ deliveryKey }, index) => [deliveryKey, records[index]]));
    for (const failure of some) {
      const record = byDelivery.get(failure.deliveryKey);
      yield record === undefined ? { failure } : { failure, t0: record.t0, ...eventOf(record) };
    }
  }
}

/** What an event says, where it can be read and isn't too large to be looked into. */
export function eventOf({ body, unavailable }: EventRecord): { event?: object } {
  if (unavailable !== undefined || body.length > MAX_EVENT_CHARS) return {};
  const json = readJson(body);
  return json.ok && typeof json.value === "object" && json.value !== null ? { event: json.value } : {};
}
