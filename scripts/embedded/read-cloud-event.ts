import { CloudEvent, type CloudEventV1 } from "cloudevents";
import { readTraceparent } from "../../shared/domain/deliveries/delivery-spans.ts";
import { CloudEventAttributes } from "../../shared/domain/events/cloud-event.ts";
import { MAX_DETAIL_DEPTH, nestsDeeperThan } from "../../shared/domain/events/event-entry.ts";
import { readExactJson } from "../../shared/domain/text/exact-json.ts";
import { type Read, read } from "../../shared/domain/text/schema.ts";

/**
 * Reads a CloudEvent 1.0 in the JSON format. The problem names the attribute that is wrong. `time` is `now` when the
 * event has none. Numbers in `data` keep all their digits.
 */
export function readCloudEvent(text: string, now: Date, traceparent?: string): Read<CloudEventV1<unknown>> {
  // The event itself is one level around its data.
  const json = readNested(text, 1);
  return json.ok ? cloudEventOf(json.value, now, traceparent) : json;
}

/** Reads the JSON of a batch: what stands at each place of the array, for `cloudEventOf`. */
export function readCloudEventBatch(text: string): Read<unknown[]> {
  const json = readNested(text, 2);
  if (!json.ok) return json;
  return Array.isArray(json.value)
    ? { ok: true, value: json.value }
    : { ok: false, problem: "expected an array of CloudEvents" };
}

/**
 * A CloudEvent of what `readExactJson` made of its JSON format.
 * @param traceparent of the request, for an event that has none of its own (Distributed Tracing extension)
 */
export function cloudEventOf(fields: unknown, now: Date, traceparent?: string): Read<CloudEventV1<unknown>> {
  const attributes = read(CloudEventAttributes, withoutNulls(fields));
  if (!attributes.ok) return attributes;
  const asked = readTraceparent(traceparent) === undefined ? {} : { traceparent };
  const event = { time: now.toISOString(), ...asked, ...attributes.value } as Partial<CloudEventV1<unknown>>;
  try {
    return { ok: true, value: new CloudEvent(event) };
  } catch (error) {
    return { ok: false, problem: problemOf(error) };
  }
}

function readNested(text: string, levelsAround: number): Read<unknown> {
  if (!nestsDeeperThan(text, MAX_DETAIL_DEPTH + levelsAround)) return readExactJson(text);
  return { ok: false, problem: `data: nested more than ${MAX_DETAIL_DEPTH} levels deep` };
}

/** An attribute that is null counts as not given (CloudEvents JSON format 1.0.2, 2.3); `data` may be null. */
function withoutNulls(event: unknown): unknown {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return event;
  return Object.fromEntries(Object.entries(event).filter(([name, value]) => value !== null || name === "data"));
}

type SchemaError = { instancePath: string; message: string };

function problemOf(error: unknown): string {
  const [first] = (error as { errors?: SchemaError[] }).errors ?? [];
  if (first !== undefined) return `${first.instancePath.slice(1)}: ${first.message}`;
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0] ?? message;
}
