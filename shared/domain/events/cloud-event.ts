import type { CloudEventV1 } from "cloudevents";
import * as z from "zod/mini";
import { isExactNumber } from "../text/exact-json.ts";
import type { Read } from "../text/schema.ts";
import { MAX_DETAIL_TYPE_LENGTH, MAX_SOURCE_LENGTH, type PutEventsEntry } from "./event-entry.ts";

const text = (maxLength: number) => z.string().check(z.minLength(1), z.maxLength(maxLength));

/**
 * What Turnout asks of a CloudEvent beyond the specification: an id and a type that fit into EventBridge's envelope,
 * and a source that isn't one of AWS's own. Of the specification, what the `cloudevents` package doesn't check: the
 * types that attributes may have.
 */
export const CloudEventAttributes = z
  .looseObject({
    specversion: z.literal("1.0"),
    id: text(256),
    source: text(MAX_SOURCE_LENGTH).check(
      z.refine((source) => !source.startsWith("aws."), "sources that start with 'aws.' are AWS's own"),
    ),
    type: text(MAX_DETAIL_TYPE_LENGTH),
    data_base64: z.optional(z.string().check(z.refine(isBase64, "expected base64 (RFC 4648, with padding)"))),
  })
  .check(
    z.refine((event) => !("data" in event && "data_base64" in event), {
      error: "only one of data and data_base64 can be given",
      path: ["data_base64"],
    }),
    (event) => {
      for (const [name, input] of Object.entries(event.value)) {
        const message = payloads.includes(name) ? undefined : typeProblem(input);
        if (message !== undefined) event.issues.push({ code: "custom", input, path: [name], message });
      }
    },
  );

/** The members that aren't attributes. */
const payloads = ["data", "data_base64"];

/** CloudEvents 1.0.2, "Type System", as its JSON format writes it; the other types are texts there. */
function typeProblem(value: unknown): string | undefined {
  if (typeof value === "boolean") return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value === (value | 0)) return undefined;
  if (typeof value !== "string") return "expected text, a boolean or an integer of 32 bits";
  const isText = value.isWellFormed() && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(value);
  return isText ? undefined : "may not have control characters, noncharacters or half a surrogate pair";
}

/** Extension attributes that say what `detail.metadata` says. Attribute names have no capitals. */
const metadataOf = {
  idempotencykey: "idempotencyKey",
  project: "project",
  customer: "customer",
  plan: "plan",
  user: "user",
  flow: "flow",
  traceparent: "traceparent",
};

/**
 * A valid CloudEvent 1.0 as an entry for the bus, with the event's own id. `type` becomes the detail-type, `subject`
 * the one resource, `data` the detail: as it is if it is an object, else as `{ "data": … }` or `{ "data_base64": "…" }`.
 * The extension attributes above become `detail.metadata`; what the metadata itself says wins. `datacontenttype`,
 * `dataschema` and other extensions have no place in the envelope and are left out.
 */
export function entryOfCloudEvent(event: CloudEventV1<unknown>): Read<{ id: string; entry: PutEventsEntry }> {
  const metadata = statedMetadata(event);
  if (!metadata.ok) return metadata;
  const detail = withMetadata(detailOf(event), metadata.value);
  if (!detail.ok) return detail;
  const entry: PutEventsEntry = {
    Source: event.source,
    DetailType: event.type,
    Detail: JSON.stringify(detail.value),
    Time: event.time,
    ...(event.subject === undefined ? {} : { Resources: [event.subject] }),
  };
  return { ok: true, value: { id: event.id, entry } };
}

type Fields = Record<string, unknown>;

function statedMetadata(event: CloudEventV1<unknown>): Read<Fields> {
  const metadata: Fields = {};
  for (const [attribute, field] of Object.entries(metadataOf)) {
    const value = event[attribute];
    if (value === undefined || value === null) continue;
    if (typeof value === "object")
      return { ok: false, problem: `${attribute}: expected text, a boolean or an integer` };
    metadata[field] = String(value);
  }
  return { ok: true, value: metadata };
}

function detailOf(event: CloudEventV1<unknown>): Fields {
  if (event.data_base64 !== undefined) return { data_base64: event.data_base64 };
  if (event.data === undefined) return {};
  return isObject(event.data) ? event.data : { data: event.data };
}

function withMetadata(detail: Fields, metadata: Fields): Read<Fields> {
  const names = Object.keys(metadata);
  if (names.length === 0) return { ok: true, value: detail };
  const stated = detail.metadata ?? {};
  // Left out silently, the customer would be routed as nobody in particular.
  if (!isObject(stated)) {
    return { ok: false, problem: `data.metadata: expected an object, to put the event's ${names.join(", ")} into` };
  }
  // As the router reads it, a field that is null says nothing.
  const unsaid = names.filter((name) => stated[name] === undefined || stated[name] === null);
  const added = Object.fromEntries(unsaid.map((name) => [name, metadata[name]]));
  return { ok: true, value: { ...detail, metadata: { ...stated, ...added } } };
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isExactNumber(value);
}

function isBase64(encoded: string): boolean {
  return Buffer.from(encoded, "base64").toString("base64") === encoded;
}
