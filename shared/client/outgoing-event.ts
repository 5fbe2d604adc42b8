import type { PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { type BusEvent, MAX_EVENT_BYTES, readFacts } from "../domain/events/event.ts";
import {
  type EventEntry,
  entryBytes,
  envelopeOf,
  type PutEventsEntry,
  readEntry,
} from "../domain/events/event-entry.ts";
import type { Subject } from "../domain/subject.ts";
import type { Read } from "../domain/text/schema.ts";

/** The detail of every detail-type that a service publishes, e.g. `{ "order placed": { total: number } }`. */
export type Details = Record<string, object>;

/** An event of one of the detail-types, with that type's detail. */
export type OutgoingEvent<D extends Record<keyof D, object> = Details> = {
  [Type in keyof D & string]: OutgoingEventOf<Type, D[Type]>;
}[keyof D & string];

/**
 * `idempotencyKey`, `subject`, `flow`, `traceparent` and `replay` are put into `detail.metadata`, where they may stand already.
 * Nothing else of the detail is changed, and the object itself isn't.
 */
type OutgoingEventOf<Type extends string, Detail extends object> = {
  /** 1 to 128 characters. */
  detailType: Type;
  /** What `JSON.stringify` makes an object of; at most 1,000 levels deep. */
  detail: Detail;
  /** Default: when it is published. Kept in whole seconds. */
  time?: Date | undefined;
  /** What the event is about, usually ARNs. Default none. */
  resources?: readonly string[] | undefined;
  /**
   * 1 to 1,024 characters, the same for the same thing said again: it is run once. It counts among the events of this
   * source and type, and reaches consumers as `turnout.publisherKey`. Default: a random UUID, so it goes before any path
   * that `turnout source apply` names for the source.
   */
  idempotencyKey?: string | undefined;
  /** Whose event it is, and so which version runs it. Default: as the routing table says for the source. */
  subject?: Subject | undefined;
  /** The flow that it is part of. Default: the publisher's. */
  flow?: string | undefined;
  /** The W3C trace context that it is part of. Default: the publisher's. */
  traceparent?: string | undefined;
  /** The replay in whose course it is published: the `turnout.replay` of the delivery that it follows from, if any. */
  replay?: string | null | undefined;
};

/** What the events of one `publish` have in common. */
export type Common = {
  source: string;
  eventBusName?: string | undefined;
  flow?: string | undefined;
  traceparent?: string | undefined;
};

/** An event as it goes to PutEvents, on every attempt. `bytes`: as EventBridge counts an entry. */
export type PreparedEvent = { entry: PutEventsRequestEntry; bytes: number; idempotencyKey: string };

export type Prepared = { ok: true; value: PreparedEvent } | { ok: false; code: string; problem: string };

/**
 * Longest region and random id of an event, for what the envelope will need beyond the entry: an entry that just fits
 * would be taken by the bus, and then be too large for the queue behind it.
 */
const ID = "00000000-0000-0000-0000-000000000000";
const REGION_BYTES = 16;

/**
 * Makes an entry of an event, or says what is wrong with it: the rules of the bus (`InvalidArgument`,
 * `MalformedDetail`, `SerializationException`), those of the router for metadata (`InvalidMetadata`), and
 * `EventTooLarge` when it has more than `MAX_EVENT_BYTES` in EventBridge's envelope.
 *
 * @param newKey draws an idempotency key, for an event that has none
 */
export function prepareEvent(event: OutgoingEvent, common: Common, newKey: () => string): Prepared {
  if (!isObject(event)) return refuse("SerializationException", "expected an object with detailType and detail");
  if (event.time !== undefined && !isTime(event.time)) return refuse("InvalidArgument", "time: expected a valid Date");
  const detail = detailOf(event, common, newKey);
  if (!detail.ok) return detail;
  const entry: PutEventsEntry = {
    Source: common.source,
    DetailType: event.detailType,
    Detail: detail.value,
    ...(event.time === undefined ? {} : { Time: event.time.getTime() / 1_000 }),
    // Whatever an untyped caller put there is for `readEntry` to refuse.
    ...(event.resources === undefined ? {} : { Resources: event.resources as string[] }),
  };
  const checked = readEntry(entry);
  if (!checked.ok) return refuse(checked.errorCode, checked.errorMessage);
  const facts = readFacts(asDelivered(checked.value), undefined);
  if (!facts.ok) return refuse("InvalidMetadata", facts.problem);
  const bytes = Buffer.byteLength(envelopeOf(checked.value, { id: ID, now: new Date(0) })) + REGION_BYTES;
  if (bytes > MAX_EVENT_BYTES) {
    return refuse("EventTooLarge", `it has ${bytes} bytes in its envelope, and may have ${MAX_EVENT_BYTES}`);
  }
  const { idempotencyKey } = facts.value;
  return { ok: true, value: { entry: asSent(entry, event, common), bytes: entryBytes(entry), idempotencyKey } };
}

/** With the SDK's type for a time, and a copy of what the caller could still change. */
function asSent(entry: PutEventsEntry, event: OutgoingEvent, { eventBusName }: Common): PutEventsRequestEntry {
  const { Source, DetailType, Detail } = entry as PutEventsRequestEntry;
  return {
    Source,
    DetailType,
    Detail,
    ...(event.time === undefined ? {} : { Time: new Date(event.time) }),
    ...(event.resources === undefined ? {} : { Resources: [...event.resources] }),
    ...(eventBusName === undefined ? {} : { EventBusName: eventBusName }),
  };
}

type Fields = Record<string, unknown>;
type Refusal = Extract<Prepared, { ok: false }>;

/** The detail's JSON with its metadata. */
function detailOf(event: OutgoingEvent, common: Common, newKey: () => string): { ok: true; value: string } | Refusal {
  try {
    const said = asJson(event.detail);
    if (!isObject(said)) return refuse("MalformedDetail", "detail: expected an object");
    const metadata = withMetadata(asJson(said.metadata) ?? {}, event, common, newKey);
    if (!metadata.ok) return refuse("InvalidMetadata", metadata.problem);
    return { ok: true, value: JSON.stringify({ ...said, metadata: metadata.value }) };
  } catch (error) {
    // A cycle, a BigInt, a toJSON that throws, or too deep for the stack. Only the first line says what.
    const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return refuse("MalformedDetail", `detail: can't be written as JSON: ${why}`);
  }
}

/** What the event says about itself stands; the publisher's own settings and a random key fill in what it left out. */
function withMetadata(stated: unknown, event: OutgoingEvent, common: Common, newKey: () => string): Read<Fields> {
  if (!isObject(stated)) {
    return { ok: false, problem: "detail.metadata: expected an object, to put the idempotency key into" };
  }
  const { project, customer, plan, user } = event.subject ?? {};
  const { idempotencyKey, flow, traceparent } = event;
  const replay = event.replay ?? undefined;
  const metadata = { ...stated };
  for (const [name, value] of Object.entries({
    idempotencyKey,
    project,
    customer,
    plan,
    user,
    flow,
    traceparent,
    replay,
  })) {
    if (value === undefined) continue;
    if (!isUnsaid(stated[name]) && stated[name] !== value) {
      return { ok: false, problem: `${name} is '${value}', but detail.metadata.${name} '${String(stated[name])}'` };
    }
    metadata[name] = value;
  }
  for (const name of ["flow", "traceparent"] as const) {
    if (isUnsaid(metadata[name]) && common[name] !== undefined) metadata[name] = common[name];
  }
  if (isUnsaid(metadata.idempotencyKey)) metadata.idempotencyKey = newKey();
  return { ok: true, value: metadata };
}

/** As the router reads it, a field that is null says nothing. */
function isUnsaid(value: unknown): boolean {
  return value === undefined || value === null;
}

function asDelivered({ source, detailType, said }: EventEntry): BusEvent {
  return { version: "0", id: ID, source, "detail-type": detailType, time: "", detail: said };
}

/** What `JSON.stringify` would write of the value. */
function asJson(value: unknown): unknown {
  const { toJSON } = (value ?? {}) as { toJSON?: unknown };
  return typeof toJSON === "function" ? (toJSON.call(value, "") as unknown) : value;
}

function isTime(time: unknown): time is Date {
  return time instanceof Date && !Number.isNaN(time.getTime());
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(code: string, problem: string): Refusal {
  return { ok: false, code, problem };
}
