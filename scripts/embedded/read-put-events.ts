import { isUtf8 } from "node:buffer";
import * as z from "zod/mini";
import { MAX_EVENT_BYTES } from "../../shared/domain/events/event.ts";
import {
  checkEntry,
  entryBytes,
  isPutEventsEntry,
  PutEventsEntry,
  UNKNOWN_BUS,
} from "../../shared/domain/events/event-entry.ts";
import { readJson, readKnown } from "../../shared/domain/text/schema.ts";
import { type Answer, amzError, amzJson, NOT_UTF8 } from "./answer.ts";
import { type Arrival, arrivalOf } from "./arrival.ts";

/** Most entries of one request (EventBridge API reference, PutEvents). */
const MAX_ENTRIES = 10;

/** Largest request body: JSON escaping can double the `MAX_EVENT_BYTES` that the entries may have. */
export const MAX_PUT_EVENTS_BODY_BYTES = 2 * MAX_EVENT_BYTES;

const PutEventsRequest = z.object({ Entries: z.nullish(z.array(PutEventsEntry)) });
type PutEventsRequest = z.infer<typeof PutEventsRequest>;

/** The same as the schema. */
function isPutEventsRequest(value: unknown): value is PutEventsRequest {
  if (typeof value !== "object" || value === null || !("Entries" in value)) return false;
  return Array.isArray(value.Entries) && value.Entries.every(isPutEventsEntry);
}

type ResultEntry = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

/** What a request comes to: what is stored, and what is answered once it is. */
export type PutEventsReading = {
  answer: Answer;
  arrivals: Arrival[];
  /** The buses that don't exist, once for each event that is dropped for it. */
  unknownBuses: string[];
};

export type PutEventsReader = (body: Buffer, now: Date) => PutEventsReading | Promise<PutEventsReading>;

/**
 * Reads EventBridge's PutEvents. The answer names an event id or an error for each entry, in order. Refused whole, with
 * status 400: not UTF-8, not JSON or wrong types (`SerializationException`), no or more than 10 entries, or more than
 * 1,048,576 bytes of them (`ValidationException`). An entry for a bus that doesn't exist gets an id and is dropped, as
 * EventBridge does it.
 */
export function readPutEvents(body: Buffer, now: Date, newId: () => string): PutEventsReading {
  const request = readRequest(body);
  if (!request.ok) return { answer: request.answer, arrivals: [], unknownBuses: [] };
  const arrivals: Arrival[] = [];
  const unknownBuses: string[] = [];
  const results = request.entries.map((entry): ResultEntry => {
    const checked = checkEntry(entry);
    if (checked.ok) {
      const id = newId();
      arrivals.push(arrivalOf({ id, entry: checked.value }, now));
      return { EventId: id };
    }
    if (checked.errorCode !== UNKNOWN_BUS) return { ErrorCode: checked.errorCode, ErrorMessage: checked.errorMessage };
    unknownBuses.push(entry.EventBusName ?? "");
    return { EventId: newId() };
  });
  const failed = results.filter((result) => "ErrorCode" in result);
  return { answer: amzJson(200, { FailedEntryCount: failed.length, Entries: results }), arrivals, unknownBuses };
}

type RequestRead = { ok: true; entries: PutEventsEntry[] } | { ok: false; answer: Answer };

function readRequest(body: Buffer): RequestRead {
  // Decoded leniently, a wrong byte would silently become another character.
  if (!isUtf8(body)) return refuse("SerializationException", NOT_UTF8);
  const parsed = readJson(body.toString("utf8"));
  const request = parsed.ok ? readKnown(PutEventsRequest, isPutEventsRequest, parsed.value) : parsed;
  if (!request.ok) return refuse("SerializationException", request.problem);
  const entries = request.value.Entries;
  if (entries === undefined || entries === null) return unsatisfied("null", "Member must not be null");
  if (entries.length === 0) return unsatisfied("'[]'", "Member must have length greater than or equal to 1");
  if (entries.length > MAX_ENTRIES) {
    return unsatisfied("'[PutEventsRequestEntry]'", `Member must have length less than or equal to ${MAX_ENTRIES}`);
  }
  if (entries.reduce((bytes, entry) => bytes + entryBytes(entry), 0) > MAX_EVENT_BYTES) {
    return refuse("ValidationException", "Total size of the entries in the request is over the limit.");
  }
  return { ok: true, entries };
}

function unsatisfied(value: string, constraint: string): RequestRead {
  return refuse(
    "ValidationException",
    `1 validation error detected: Value ${value} at 'entries' failed to satisfy constraint: ${constraint}`,
  );
}

function refuse(type: string, message: string): RequestRead {
  return { ok: false, answer: amzError(400, type, message) };
}
