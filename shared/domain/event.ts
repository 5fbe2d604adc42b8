import * as z from "zod/mini";
import { own, type Read, read, readJson } from "./schema.ts";
import { Subject, SubjectId } from "./subject.ts";

/** Largest event, as EventBridge, SQS and asynchronous Lambda invocations take it since January 2026. */
export const MAX_EVENT_BYTES = 1_048_576;

/** An event in EventBridge's envelope, as a rule's target receives it. Fields that it doesn't name are kept. */
export const BusEvent = z.looseObject({
  version: z._default(z.string(), "0"),
  id: z.string().check(z.minLength(1), z.maxLength(256)),
  source: z.string().check(z.minLength(1), z.maxLength(256)),
  "detail-type": z.string().check(z.minLength(1), z.maxLength(256)),
  time: z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), "expected an ISO 8601 time")),
  detail: z.record(z.string(), z.unknown()),
});
export type BusEvent = z.infer<typeof BusEvent>;

const IdempotencyKey = z.string().check(z.minLength(1), z.maxLength(1024));

/** What a publisher may say in `detail.metadata`. Other fields are the publisher's own business. */
export const EventMetadata = z.looseObject({
  idempotencyKey: z.optional(IdempotencyKey),
  project: z.optional(SubjectId),
  customer: z.optional(SubjectId),
  plan: z.optional(SubjectId),
  user: z.optional(SubjectId),
  flow: z.optional(z.string()),
  traceparent: z.optional(z.string()),
});

const EventPath = z
  .string()
  .check(z.regex(/^detail(\.[^.]+)+$/, "expected a path into the event such as detail.repository.full_name"));

/** Where the events of one source carry their key and subject, for publishers that don't write metadata. */
export const EventSource = z.strictObject({
  source: z.string().check(z.minLength(1), z.maxLength(256)),
  idempotencyKey: z.optional(EventPath),
  project: z.optional(EventPath),
  customer: z.optional(EventPath),
  plan: z.optional(EventPath),
  user: z.optional(EventPath),
});
export type EventSource = z.infer<typeof EventSource>;

/** What routing needs to know of an event. */
export type EventFacts = {
  idempotencyKey: string;
  /** As the event states it, before the directory fills it in. */
  subject: Subject;
  flow?: string;
  traceparent?: string;
  /** An alias that the event asked for. It is not obeyed, only reported. */
  ignoredAlias?: string;
};

/** Parses the body of a queue message. */
export function readEvent(body: string): Read<BusEvent> {
  const json = readJson(body);
  return json.ok ? read(BusEvent, json.value) : json;
}

/** Key and subject of an event: from its metadata, else from the source's configured paths, else the event's id. */
export function readFacts(event: BusEvent, source: EventSource | undefined): Read<EventFacts> {
  const stated = event.detail.metadata;
  // A publisher may use `metadata` for something else entirely, but an object there is read, and must be right:
  // routing an event by a customer that it names wrongly would send it to the wrong version.
  const metadata = read(EventMetadata, isObject(stated) ? stated : {}, "detail.metadata");
  if (!metadata.ok) return metadata;
  const facts = metadata.value;
  const fromPaths: Record<string, string> = {};
  for (const field of ["idempotencyKey", "project", "customer", "plan", "user"] as const) {
    const path = source?.[field];
    if (path === undefined || facts[field] !== undefined) continue;
    const found = valueAt(event, path);
    if (found === undefined || found === null) continue;
    if (typeof found === "object")
      return { ok: false, problem: `${path}: expected text for ${field}, found ${kindOf(found)}` };
    const checked = read(field === "idempotencyKey" ? IdempotencyKey : SubjectId, String(found), path);
    if (!checked.ok) return checked;
    fromPaths[field] = checked.value;
  }
  const { idempotencyKey, ...subject } = { ...fromPaths, ...definedOnly(facts) } as Partial<EventFacts & Subject>;
  const ignoredAlias = facts.alias;
  return {
    ok: true,
    value: {
      idempotencyKey: idempotencyKey ?? event.id,
      subject: Subject.parse(subject),
      ...(facts.flow === undefined ? {} : { flow: facts.flow }),
      ...(facts.traceparent === undefined ? {} : { traceparent: facts.traceparent }),
      ...(typeof ignoredAlias === "string" ? { ignoredAlias } : {}),
    },
  };
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

function kindOf(value: object): string {
  return Array.isArray(value) ? "an array" : "an object";
}

function definedOnly<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<T>;
}
