import * as z from "zod/mini";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { MAX_EVENT_BYTES } from "../../shared/domain/events/event.ts";
import {
  checkEntry,
  entryBytes,
  isPutEventsEntry,
  PutEventsEntry,
  UNKNOWN_BUS,
} from "../../shared/domain/events/event-entry.ts";
import { readJson, readKnown } from "../../shared/domain/text/schema.ts";
import { type AcceptedEntry, acceptEvents, type Intake } from "./accept-events.ts";
import { type Answer, amzError, amzJson, errorSaid } from "./answer.ts";

/** The value of the `X-Amz-Target` header that this server knows. */
export const PUT_EVENTS = "AWSEvents.PutEvents";

/** Most entries of one request (EventBridge API reference, PutEvents). */
const MAX_ENTRIES = 10;

/** So that names from outside can't fill the memory. */
const MAX_BUSES_TOLD = 100;

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

/**
 * Answers EventBridge's PutEvents. The valid entries of a request go into one `send`; the answer names an event id or
 * an error for each entry, in order. Refused whole, with status 400: not JSON or wrong types
 * (`SerializationException`), no or more than 10 entries, or more than 1,048,576 bytes of them
 * (`ValidationException`). Status 500 `InternalException`, which the SDKs retry: the events could not be stored.
 * An entry for a bus that doesn't exist gets an id and is dropped, as EventBridge does it: who publishes is told nothing,
 * `onUnknownBus` is.
 */
export async function putEvents(text: string, intake: Intake): Promise<Answer> {
  const request = readRequest(text);
  if (!request.ok) return request.answer;
  const now = intake.now();
  const accepted: AcceptedEntry[] = [];
  const results = request.entries.map((entry): ResultEntry => {
    const checked = checkEntry(entry);
    if (checked.ok) {
      const id = intake.newId();
      accepted.push({ id, entry: checked.value });
      return { EventId: id };
    }
    if (checked.errorCode !== UNKNOWN_BUS) return { ErrorCode: checked.errorCode, ErrorMessage: checked.errorMessage };
    intake.onUnknownBus?.(entry.EventBusName ?? "");
    return { EventId: intake.newId() };
  });
  try {
    await acceptEvents(intake, accepted, now);
  } catch (error) {
    return amzError(500, "InternalException", `The events could not be stored: ${errorSaid(error)}`);
  }
  const failed = results.filter((result) => "ErrorCode" in result);
  return amzJson(200, { FailedEntryCount: failed.length, Entries: results });
}

/** Tells of a bus that doesn't exist once: who has the name wrong has it wrong with every event. */
export function tellUnknownBuses(onError: (error: TurnoutError) => void): (bus: string) => void {
  const told = new Set<string>();
  return (bus) => {
    if (told.has(bus) || told.size >= MAX_BUSES_TOLD) return;
    told.add(bus);
    const remedy = "As on EventBridge they are dropped. Publish to 'default' or 'turnout', or name no bus";
    onError(new TurnoutError("failed", `Events are published to the bus '${bus}', which doesn't exist. ${remedy}.`));
  };
}

type RequestRead = { ok: true; entries: PutEventsEntry[] } | { ok: false; answer: Answer };

function readRequest(text: string): RequestRead {
  const parsed = readJson(text);
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
