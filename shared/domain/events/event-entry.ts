import * as z from "zod/mini";
import { readRfc3339 } from "../text/rfc3339.ts";
import { readJson, readKnown } from "../text/schema.ts";
import type { BusEvent } from "./event.ts";

/** Longest `Source` in characters: ours, as `BusEvent` takes it; EventBridge documents none. */
export const MAX_SOURCE_LENGTH = 256;
/** Longest `DetailType` in characters (EventBridge API reference, PutEventsRequestEntry). */
export const MAX_DETAIL_TYPE_LENGTH = 128;
/** Deepest nesting of a detail, itself included (EventBridge API reference, PutEvents). */
export const MAX_DETAIL_DEPTH = 1000;

/** The buses that an entry may name, alone or at the end of an ARN. Both are the one that Turnout has. */
const knownBuses = ["default", "turnout"];

/** The error code of an entry that is right but names another bus than ours. */
export const UNKNOWN_BUS = "ResourceNotFoundException";

const optionalText = z.nullish(z.string());

/**
 * One entry of a PutEvents request as a publisher hands it in, in EventBridge's own field names. Only the fields'
 * types are checked here; `checkEntry` has the rules.
 */
export const PutEventsEntry = z.object({
  Source: optionalText,
  DetailType: optionalText,
  /** The JSON text of an object. */
  Detail: optionalText,
  /** Seconds since 1970, as the SDKs send it, or RFC 3339 text. Default: when the entry is accepted. */
  Time: z.nullish(z.union([z.number(), z.string()], "expected seconds since 1970-01-01, or RFC 3339 text")),
  Resources: z.nullish(z.array(z.string())),
  EventBusName: optionalText,
  /** Taken and let go: like EventBridge, it is not part of the event. */
  TraceHeader: optionalText,
});
export type PutEventsEntry = z.infer<typeof PutEventsEntry>;

/** The same as the schema, which leaves out what it has no name for. */
export function isPutEventsEntry(value: unknown): value is PutEventsEntry {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const entry: { readonly [field in keyof PutEventsEntry]: unknown } = value;
  return (
    isTextOrNone(entry.Source) &&
    isTextOrNone(entry.DetailType) &&
    isTextOrNone(entry.Detail) &&
    (isTextOrNone(entry.Time) || Number.isFinite(entry.Time)) &&
    (isNone(entry.Resources) || (Array.isArray(entry.Resources) && entry.Resources.every(isText))) &&
    isTextOrNone(entry.EventBusName) &&
    isTextOrNone(entry.TraceHeader)
  );
}

function isTextOrNone(value: unknown): boolean {
  return isText(value) || isNone(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNone(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** An entry that the bus takes. `detail` is the publisher's own text, `said` what it says. */
export type EventEntry = {
  source: string;
  detailType: string;
  detail: string;
  said: Record<string, unknown>;
  time?: string | undefined;
  resources: string[];
};

export type EntryRefusal = { ok: false; errorCode: string; errorMessage: string };
export type EntryRead = { ok: true; value: EventEntry } | EntryRefusal;

/** Reads one entry from outside: `SerializationException` when a field has the wrong type, else as `checkEntry`. */
export function readEntry(entry: unknown): EntryRead {
  const shape = readKnown(PutEventsEntry, isPutEventsEntry, entry);
  return shape.ok ? checkEntry(shape.value) : refuse("SerializationException", shape.problem);
}

/**
 * Checks an entry as EventBridge does. `InvalidArgument`: Source, DetailType or Detail is missing or too long, or Time
 * isn't a time. `NotAuthorizedForSourceException`: the source starts with `aws.`. `MalformedDetail`: Detail isn't the
 * text of a JSON object. `UNKNOWN_BUS`: another bus than ours is named, and nothing else is wrong. What stands in the detail's metadata is not looked at: the router stores a bad one as rejected.
 */
export function checkEntry(entry: PutEventsEntry): EntryRead {
  const { Source: source, DetailType: detailType, Detail: detail } = entry;
  if (!source) return missing("Source");
  if (!detailType) return missing("DetailType");
  if (!detail) return missing("Detail");
  if (source.length > MAX_SOURCE_LENGTH) return tooLong("Source", MAX_SOURCE_LENGTH);
  if (detailType.length > MAX_DETAIL_TYPE_LENGTH) return tooLong("DetailType", MAX_DETAIL_TYPE_LENGTH);
  if (source.startsWith("aws.")) return refuse("NotAuthorizedForSourceException", "Not authorized for the source.");
  const time = readTime(entry.Time);
  if (time === null) {
    return invalid("Time", "Time is seconds since 1970-01-01, or text such as 2026-11-20T10:00:00Z.");
  }
  const said = readDetail(detail);
  if (said === undefined) return malformed(detail);
  const bus = entry.EventBusName ?? "default";
  if (!knownBuses.includes(bus.replace(/^arn:[^/]*:event-bus\//, ""))) {
    return refuse(UNKNOWN_BUS, `Event bus ${bus} does not exist.`);
  }
  const resources = entry.Resources ?? [];
  return { ok: true, value: { source, detailType, detail, said, resources, time } };
}

/**
 * The size of an entry as EventBridge counts it: 14 bytes for Time, and the UTF-8 bytes of Source, DetailType, Detail
 * and each of Resources (EventBridge user guide, "Calculating PutEvents event entry size"). All entries of a request
 * together may have `MAX_EVENT_BYTES`.
 */
export function entryBytes(entry: PutEventsEntry): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail, ...(entry.Resources ?? [])];
  const time = entry.Time === undefined || entry.Time === null ? 0 : 14;
  return texts.reduce<number>((bytes, text) => bytes + Buffer.byteLength(text ?? ""), time);
}

/**
 * The event in EventBridge's envelope, as JSON text for the queue. The detail's text is put in as it is, so that
 * numbers beyond what JavaScript holds, key order and spacing arrive as they were published. `account` and `region`,
 * which consumers' schemas ask for, say that no AWS account stands behind it.
 */
export function envelopeOf(entry: EventEntry, { id, now }: { id: string; now: Date }): string {
  const { source, detailType, time = wholeSeconds(now), resources, detail } = entry;
  return (
    `{"version":"0","id":${JSON.stringify(id)},"detail-type":${JSON.stringify(detailType)},` +
    `"source":${JSON.stringify(source)},"account":"000000000000","time":"${time}","region":"local",` +
    `"resources":${resources.length === 0 ? "[]" : JSON.stringify(resources)},"detail":${detail}}`
  );
}

/** The event that `envelopeOf` writes, as whoever reads it has it. */
export function eventOf(entry: EventEntry, { id, now }: { id: string; now: Date }): BusEvent {
  const { source, detailType, time = wholeSeconds(now), resources, said } = entry;
  return { ...aroundDetail({ id, source, detailType, time, resources }), detail: said };
}

type AroundDetail = Pick<EventEntry, "source" | "detailType" | "resources"> & { id: string; time: string };

/** All of that event but its detail. */
export function aroundDetail({ id, source, detailType, time, resources }: AroundDetail) {
  const about = { version: "0", id, "detail-type": detailType, source };
  return { ...about, account: "000000000000", time, region: "local", resources };
}

/** Whether the JSON text has more than `levels` objects and arrays inside each other. */
export function nestsDeeperThan(text: string, levels: number): boolean {
  // Every level takes an opening and a closing bracket, so most texts are too short to need the scan.
  if (text.length <= 2 * levels) return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === "\\") i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") {
      if (++depth > levels) return true;
    } else if (character === "}" || character === "]") depth--;
  }
  return false;
}

function readDetail(text: string): Record<string, unknown> | undefined {
  // Half a surrogate pair has no UTF-8 form: stored, it would become another character.
  if (!text.isWellFormed() || nestsDeeperThan(text, MAX_DETAIL_DEPTH)) return undefined;
  const json = readJson(text);
  if (!json.ok || typeof json.value !== "object" || json.value === null || Array.isArray(json.value)) return undefined;
  return json.value as Record<string, unknown>;
}

/** EventBridge's own words, and what it should be and is. */
function malformed(detail: string): EntryRefusal {
  const said = `Detail is malformed. Expected the text of a JSON object, got ${kindOf(detail)}.`;
  return refuse("MalformedDetail", said);
}

function kindOf(detail: string): string {
  if (!detail.isWellFormed()) return "half a surrogate pair in it";
  if (nestsDeeperThan(detail, MAX_DETAIL_DEPTH)) return `more than ${MAX_DETAIL_DEPTH} levels`;
  const json = readJson(detail);
  if (!json.ok) return `text that is ${json.problem}`;
  if (json.value === null) return "null";
  return Array.isArray(json.value) ? "an array" : `a ${typeof json.value}`;
}

/** Text stays as it is, a number becomes whole seconds as on EventBridge; null for what isn't a time. */
function readTime(time: PutEventsEntry["Time"]): string | null | undefined {
  if (time === undefined || time === null) return undefined;
  if (typeof time === "string") return readRfc3339(time) ?? null;
  const instant = new Date(time * 1000);
  return Number.isNaN(instant.getTime()) ? null : (readRfc3339(wholeSeconds(instant)) ?? null);
}

let lastSecond = { second: Number.NaN, text: "" };

/** EventBridge's form of a time, e.g. `2026-11-20T10:00:00Z`; the last one is kept, as events come many in a second. */
function wholeSeconds(instant: Date): string {
  const second = Math.floor(instant.getTime() / 1_000);
  if (second !== lastSecond.second) {
    lastSecond = { second, text: `${instant.toISOString().slice(0, -".000Z".length)}Z` };
  }
  return lastSecond.text;
}

function missing(parameter: string): EntryRefusal {
  return invalid(parameter, `${parameter} is a required argument.`);
}

function tooLong(parameter: string, maxLength: number): EntryRefusal {
  return invalid(parameter, `${parameter} must have length less than or equal to ${maxLength}.`);
}

function invalid(parameter: string, reason: string): EntryRefusal {
  return refuse("InvalidArgument", `Parameter ${parameter} is not valid. Reason: ${reason}`);
}

function refuse(errorCode: string, errorMessage: string): EntryRefusal {
  return { ok: false, errorCode, errorMessage };
}
