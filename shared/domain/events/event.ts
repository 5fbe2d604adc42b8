import * as z from "zod/mini";
import { isSubjectId, type Subject, SubjectId } from "../subject.ts";
import { own, type Read, read, readJson, readKnown, recordOf } from "../text/schema.ts";

/** Largest event, as EventBridge, SQS and asynchronous Lambda invocations take it since January 2026. */
export const MAX_EVENT_BYTES = 1_048_576;

/**
 * Deepest nesting of an event: EventBridge's 1,000 for a detail, and the envelope. Deeper text parses, but overflows
 * the stack of whoever walks through it or prints it.
 */
export const MAX_EVENT_DEPTH = 1_001;

/** RFC 3339, a profile of ISO 8601; `Date.parse` alone would take `1` and read it in the machine's own time zone. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/** Longest idempotency key, in characters. */
const MAX_KEY_LENGTH = 1024;

/** An event in EventBridge's envelope, as a rule's target receives it. Fields that it doesn't name are kept. */
export const BusEvent = z.looseObject({
  version: z._default(z.string(), "0"),
  id: z.string().check(z.minLength(1), z.maxLength(256)),
  source: z.string().check(z.minLength(1), z.maxLength(256)),
  "detail-type": z.string().check(z.minLength(1), z.maxLength(256)),
  time: z.string().check(z.refine(isTime, "expected a time such as 2026-11-20T10:00:00Z")),
  // Not a record schema: that would copy every event's detail and lose a key named `__proto__`.
  detail: z.custom<Record<string, unknown>>(isObject, "expected an object"),
});
export type BusEvent = z.infer<typeof BusEvent>;

/** The same as the schema, of events that it leaves as they are. */
function isBusEvent(value: unknown): value is BusEvent {
  if (!isObject(value) || Object.hasOwn(value, "__proto__")) return false;
  const { version, id, source, "detail-type": detailType, time, detail } = value;
  const isNamed = isText(id, 256) && isText(source, 256) && isText(detailType, 256);
  return isNamed && typeof version === "string" && isObject(detail) && typeof time === "string" && isTime(time);
}

const IdempotencyKey = z.string().check(z.minLength(1), z.maxLength(MAX_KEY_LENGTH));

const subjectFields = ["project", "customer", "plan", "user"] as const;
type FactField = "idempotencyKey" | (typeof subjectFields)[number];

/** What a publisher may say in `detail.metadata`. Other fields are the publisher's own business. */
const EventMetadata = z.looseObject({
  idempotencyKey: z.optional(IdempotencyKey),
  project: z.optional(SubjectId),
  customer: z.optional(SubjectId),
  plan: z.optional(SubjectId),
  user: z.optional(SubjectId),
  flow: z.optional(z.string()),
  traceparent: z.optional(z.string()),
  /** The replay in whose course it was published, if it is text: others may use the name for something else. */
  replay: z.optional(z.unknown()),
  /** The id that the event had before the bus gave it another, as `turnout publish` writes it. */
  turnoutEventId: z.optional(z.unknown()),
});

type EventMetadata = z.infer<typeof EventMetadata>;

/** The same as the schema. */
function isMetadata(value: unknown): value is EventMetadata {
  if (!isObject(value)) return false;
  const { idempotencyKey, flow, traceparent } = value;
  return (
    (idempotencyKey === undefined || isText(idempotencyKey, MAX_KEY_LENGTH)) &&
    (flow === undefined || typeof flow === "string") &&
    (traceparent === undefined || typeof traceparent === "string") &&
    subjectFields.every((field) => value[field] === undefined || isSubjectId(value[field]))
  );
}

const EventPath = z
  .string()
  .check(z.regex(/^detail(\.[^.]+)+$/, "expected a path into the event such as detail.repository.full_name"));

/** How long events are kept, in days. */
export const DEFAULT_RETENTION_DAYS = 30;
const RetentionDays = z.int().check(z.minimum(1), z.maximum(3_650));

/**
 * Where the events of one source carry their key and subject, for publishers that don't write metadata, and how long
 * they are kept.
 */
export const EventSource = z.strictObject({
  // Part of a key, which is stored as UTF-8.
  source: z.string().check(
    z.minLength(1),
    z.maxLength(256),
    z.refine((text) => text.isWellFormed(), "must be well-formed Unicode (it has half a surrogate pair)"),
  ),
  idempotencyKey: z.optional(EventPath),
  project: z.optional(EventPath),
  customer: z.optional(EventPath),
  plan: z.optional(EventPath),
  user: z.optional(EventPath),
  /** Default 30. */
  retentionDays: z.optional(RetentionDays),
  /** By detail-type, where one type's events are kept for another time than the source's others. */
  retentionDaysByType: z.optional(recordOf(z.string().check(z.minLength(1), z.maxLength(256)), RetentionDays)),
});
export type EventSource = z.infer<typeof EventSource>;

/** What routing needs to know of an event. */
export type EventFacts = {
  idempotencyKey: string;
  /** As the event states it, before the directory fills it in. */
  subject: Subject;
  flow?: string;
  traceparent?: string;
  /** The replay that has caused it. It is a live event all the same. */
  causedByReplay?: string;
  /** An alias that the event asked for. It is not obeyed, only reported. */
  ignoredAlias?: string;
};

/** For how many days an event of the type is kept. */
export function retentionDaysOf(source: EventSource | undefined, detailType: string): number {
  return own(source?.retentionDaysByType ?? {}, detailType) ?? source?.retentionDays ?? DEFAULT_RETENTION_DAYS;
}

/** Parses the body of a queue message. */
export function readEvent(body: string): Read<BusEvent> {
  const json = readJson(body);
  if (!json.ok) return json;
  // Every level takes an opening and a closing bracket, so most texts are too short to need the walk.
  if (body.length > 2 * MAX_EVENT_DEPTH && isDeeperThan(MAX_EVENT_DEPTH, json.value)) {
    return { ok: false, problem: `nested deeper than ${MAX_EVENT_DEPTH} levels` };
  }
  return readKnown(BusEvent, isBusEvent, json.value);
}

/**
 * Key and subject of an event: from its metadata, else from the source's configured paths. A key that neither has is the id
 * that it had before the bus gave it another, else its id.
 * @param stated its metadata, where that is known without reading its detail
 */
export function readFacts(
  event: BusEvent,
  source: EventSource | undefined,
  stated: unknown = event.detail.metadata,
): Read<EventFacts> {
  // A publisher may use `metadata` for something else entirely, but an object there is read, and must be right:
  // routing an event by a customer that it names wrongly would send it to the wrong version.
  const metadata = readKnown(
    EventMetadata,
    isMetadata,
    isObject(stated) ? withoutNulls(stated) : {},
    "detail.metadata",
  );
  if (!metadata.ok) return metadata;
  const said = metadata.value;
  const key = factOf(said, event, source, "idempotencyKey");
  if (!key.ok) return key;
  const subject: Subject = {};
  for (const field of subjectFields) {
    const id = factOf(said, event, source, field);
    if (!id.ok) return id;
    if (id.value !== undefined) subject[field] = id.value;
  }
  const { flow, traceparent, replay, alias, turnoutEventId: formerId } = said;
  const facts: EventFacts = {
    idempotencyKey: key.value ?? (isText(formerId, MAX_KEY_LENGTH) ? formerId : event.id),
    subject,
  };
  if (flow !== undefined) facts.flow = flow;
  if (traceparent !== undefined) facts.traceparent = traceparent;
  if (typeof replay === "string") facts.causedByReplay = replay;
  if (typeof alias === "string") facts.ignoredAlias = alias;
  return { ok: true, value: facts };
}

const UNSAID: Read<undefined> = { ok: true, value: undefined };

function factOf(
  said: EventMetadata,
  event: BusEvent,
  source: EventSource | undefined,
  field: FactField,
): Read<string | undefined> {
  const stated = said[field];
  if (stated !== undefined) return { ok: true, value: stated };
  const path = source?.[field];
  return path === undefined ? UNSAID : textAt(event, path, field);
}

/** The text at a source's path; undefined when there is none. */
function textAt(event: BusEvent, path: string, field: FactField): Read<string | undefined> {
  const found = valueAt(event, path);
  if (found === undefined || found === null) return UNSAID;
  // A number with more digits than JavaScript holds has lost some: two customers could come to have one id.
  const text = Number.isSafeInteger(found) ? String(found) : found;
  if (typeof text !== "string") {
    return { ok: false, problem: `${path}: expected text or a whole number for ${field}, found ${kindOf(text)}` };
  }
  return read<string>(field === "idempotencyKey" ? IdempotencyKey : SubjectId, text, path);
}

function valueAt(event: BusEvent, path: string): unknown {
  let value: unknown = event;
  for (const segment of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = own(value as Record<string, unknown>, segment);
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= maxLength;
}

function isTime(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text));
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : String(value);
}

/** Publishers that write null for a field they leave out mean nothing by it. */
function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  if (!hasNull(fields)) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function hasNull(fields: Record<string, unknown>): boolean {
  for (const name in fields) if (fields[name] === null) return true;
  return false;
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return (Array.isArray(value) ? value : Object.values(value)).some((inner) => isDeeperThan(levels - 1, inner));
}
