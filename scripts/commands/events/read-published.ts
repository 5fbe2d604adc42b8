import { entryOfCloudEvent } from "../../../shared/domain/events/cloud-event.ts";
import { type BusEvent, MAX_EVENT_BYTES, readEvent } from "../../../shared/domain/events/event.ts";
import {
  entryBytes,
  envelopeOf,
  MAX_DETAIL_DEPTH,
  nestsDeeperThan,
  type PutEventsEntry,
  readEntry,
} from "../../../shared/domain/events/event-entry.ts";
import { readExactJson } from "../../../shared/domain/text/exact-json.ts";
import { readRfc3339 } from "../../../shared/domain/text/rfc3339.ts";
import { type Read, readJson } from "../../../shared/domain/text/schema.ts";

/** An event that is ready for the queue: its body, and what is in it. */
export type ReadyEvent = { event: BusEvent; body: string };

/** Where an event gets what its text doesn't say. */
export type Stamp = { newId: () => string; now: Date };

/**
 * Reads one event in any form: a PutEvents entry, an event in EventBridge's envelope, a CloudEvent, or what
 * `event show --json` prints. Whatever the router would refuse is refused here already.
 */
export async function readPublished(text: string, stamp: Stamp): Promise<Read<ReadyEvent>> {
  if (nestsDeeperThan(text, MAX_DETAIL_DEPTH + 2)) {
    return { ok: false, problem: `nested more than ${MAX_DETAIL_DEPTH} levels deep` };
  }
  const json = readJson(text);
  if (!json.ok) return json;
  const fields = json.value;
  if (!isObject(fields)) return { ok: false, problem: `an event is a JSON object, this is ${kindOf(fields)}` };
  const body = await bodyOf(text, fields, stamp);
  if (!body.ok) return body;
  const event = readEvent(body.value);
  if (!event.ok) return event;
  if (readRfc3339(event.value.time) === undefined) return { ok: false, problem: "time: there is no such day or time" };
  const bytes = sizeOf(event.value, body.value);
  if (bytes > MAX_EVENT_BYTES) return { ok: false, problem: `has ${bytes} bytes, and may have ${MAX_EVENT_BYTES}` };
  return { ok: true, value: { event: event.value, body: body.value } };
}

function bodyOf(text: string, fields: Fields, stamp: Stamp): Read<string> | Promise<Read<string>> {
  if ("specversion" in fields) return bodyOfCloudEvent(text, stamp);
  if ("event_key" in fields && "event" in fields) return bodyOfShown(text, fields);
  if ("detail-type" in fields || "source" in fields) return { ok: true, value: bodyOfEnvelope(text, fields, stamp) };
  if ("DetailType" in fields || "Source" in fields) return bodyOfEntry(text, fields, stamp);
  return {
    ok: false,
    problem:
      "not an event: expected a PutEvents entry (Source, DetailType, Detail), EventBridge's envelope (source, " +
      "detail-type, detail) or a CloudEvent (specversion)",
  };
}

async function bodyOfCloudEvent(text: string, { now }: Stamp): Promise<Read<string>> {
  // The specification's own package takes a while to load; most runs have no CloudEvents.
  const { readCloudEvent } = await import("../../embedded/read-cloud-event.ts");
  const cloudEvent = readCloudEvent(text, now);
  const mapped = cloudEvent.ok ? entryOfCloudEvent(cloudEvent.value) : cloudEvent;
  if (!mapped.ok) return mapped;
  return envelope(mapped.value.entry, mapped.value.id, now);
}

function bodyOfEntry(text: string, fields: Fields, { newId, now }: Stamp): Read<string> {
  if (!isObject(fields.Detail)) return envelope(fields, newId(), now);
  // A detail that was written as an object keeps its numbers as they are.
  const exact = readExactJson(text);
  if (!exact.ok) return exact;
  return envelope({ ...fields, Detail: JSON.stringify((exact.value as Fields).Detail) }, newId(), now);
}

function envelope(entry: PutEventsEntry | Fields, id: string, now: Date): Read<string> {
  const checked = readEntry(entry);
  if (!checked.ok) return { ok: false, problem: checked.errorMessage.replace(/\.$/, "") };
  return { ok: true, value: envelopeOf(checked.value, { id, now }) };
}

/** What `event show --json` prints: the event as it was published, beside what became of it. */
function bodyOfShown(text: string, { event, unavailable }: Fields): Read<string> {
  if (!isObject(event)) return { ok: false, problem: `event: ${unavailable ?? "what was published is no event"}` };
  const exact = readExactJson(text);
  return exact.ok ? { ok: true, value: JSON.stringify((exact.value as Fields).event) } : exact;
}

/** The event's own text, with those of the envelope's fields put in front that it leaves out. */
function bodyOfEnvelope(text: string, fields: Fields, { newId, now }: Stamp): string {
  const time = now.toISOString().replace(/\.\d{3}Z$/, "Z");
  const usual = { version: "0", id: newId(), account: "000000000000", time, region: "local", resources: [] };
  const missing = Object.entries(usual).filter(([name]) => !(name in fields));
  if (missing.length === 0) return text;
  return `${JSON.stringify(Object.fromEntries(missing)).slice(0, -1)},${text.slice(1)}`;
}

/** As EventBridge counts: without the envelope around the entry. */
function sizeOf(event: BusEvent, body: string): number {
  const bytes = Buffer.byteLength(body);
  if (bytes <= MAX_EVENT_BYTES) return bytes;
  const { source, "detail-type": detailType, time } = event;
  const detail = readExactJson(body) as { value: Fields };
  return entryBytes({
    Source: source,
    DetailType: detailType,
    Detail: JSON.stringify(detail.value.detail),
    Time: time,
  });
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
