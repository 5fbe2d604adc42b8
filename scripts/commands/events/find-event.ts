import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { timeWindow } from "../../../shared/domain/text/time-window.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { findEvents } from "../../../shared/flows/explain/explain-event.ts";
import { must } from "../terminal/options.ts";

const DEFAULT_SINCE_MS = 60 * 60_000;

export type FoundEvent = { record: EventRecord; outcomes: EventOutcome[] };

/** Every stored event that goes by this name: one, and its duplicates. @throws TurnoutError `not found` for none */
export async function mustFindEvents(
  events: EventStore,
  wanted: string,
  sinceMs: number | undefined,
  now: Date,
): Promise<FoundEvent[]> {
  const window = must(timeWindow({ sinceMs: sinceMs ?? DEFAULT_SINCE_MS }, now), "The time window");
  const found = await Array.fromAsync(findEvents(events, window, wanted, now));
  if (found.length > 0) return found;
  throw new TurnoutError(
    "not found",
    `No event with the id, publisher's key or key '${wanted}' has arrived since ${window.from.toISOString()}. ` +
      "Look further back with --since 1d, or list what arrived with 'turnout events'.",
  );
}
