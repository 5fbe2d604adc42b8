import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { isCalled } from "../../../shared/domain/deliveries/record-names.ts";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { timeWindow } from "../../../shared/domain/text/time-window.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { findEvents } from "../../../shared/flows/explain/explain-event.ts";
import { must } from "../terminal/options.ts";

const DEFAULT_SINCE_MS = 60 * 60_000;

/** Events that are named where a beginning is that of several. */
const NAMED = 10;

export type FoundEvent = { record: EventRecord; outcomes: EventOutcome[] };

/**
 * Every stored event that goes by this name or by one that begins so: one, and its duplicates.
 * @throws TurnoutError `not found` for none, and `usage` that names them where it is the beginning of several
 */
export async function mustFindEvents(
  events: EventStore,
  wanted: string,
  sinceMs: number | undefined,
  now: Date,
): Promise<FoundEvent[]> {
  const window = must(timeWindow({ sinceMs: sinceMs ?? DEFAULT_SINCE_MS }, now), "The time window");
  // As a listing that has no room for the whole of it cuts it.
  const name = wanted.replace(/…$/, "");
  const found = name === "" ? [] : await Array.fromAsync(findEvents(events, window, name, now));
  const byKey = new Map(found.map(({ record }) => [record.eventKey, record]));
  if (byKey.size > 1 && !found.some(({ record }) => isCalled(record, name))) throw ambiguous(name, [...byKey.values()]);
  if (found.length > 0) return found;
  throw new TurnoutError(
    "not found",
    `No event whose id, publisher's key or key is or begins with '${wanted}' has arrived since ` +
      `${window.from.toISOString()}. Look further back with --since 1d, or list what arrived with 'turnout events'.`,
  );
}

function ambiguous(name: string, records: readonly EventRecord[]): TurnoutError {
  const named = records.slice(0, NAMED).map(({ id, detailType, t0 }) => `${id} (${detailType}, ${t0.toISOString()})`);
  const more = records.length > NAMED ? ", …" : "";
  return new TurnoutError(
    "usage",
    `Several events' ids or keys begin with '${name}': ${named.join(", ")}${more}. Give more of it.`,
  );
}
