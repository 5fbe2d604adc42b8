import { readExactJson } from "../text/exact-json.ts";
import type { TurnoutField } from "./delivered-event.ts";

/** A delivered event as a CloudEvent 1.0: its attributes, and its data as JSON text. */
export type DeliveredCloudEvent = { attributes: Record<string, string>; data: string };

/** What an envelope and our field have; a target's payload is made by `deliveredEvent`. */
type Delivered = {
  id: string;
  source: string;
  "detail-type": string;
  time?: unknown;
  resources?: unknown;
  detail?: unknown;
  turnout: TurnoutField;
};

/**
 * The CloudEvent that a payload is: the counterpart of what the front door makes of one. `subject` is the one resource, if
 * there is but one. The `turnout` field becomes extension attributes, whose names may only have small letters and digits.
 */
export function deliveredCloudEvent(payload: string): DeliveredCloudEvent {
  const parsed = readExactJson(payload);
  if (!parsed.ok) throw new Error(parsed.problem);
  const { id, source, "detail-type": type, time, resources, detail = null, turnout } = parsed.value as Delivered;
  const [resource, ...others] = Array.isArray(resources) ? resources : [];
  const { component, alias, idempotencyKey, generation, attempt, subject, traceparent } = turnout;
  const stated: Record<string, unknown> = {
    specversion: "1.0",
    id,
    source,
    type,
    time,
    subject: others.length === 0 ? resource : undefined,
    datacontenttype: "application/json",
    idempotencykey: idempotencyKey,
    project: subject.project,
    customer: subject.customer,
    plan: subject.plan,
    traceparent,
    turnoutcomponent: component,
    turnoutalias: alias,
    turnoutgeneration: generation,
    turnoutattempt: attempt,
  };
  const attributes = Object.entries(stated).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null || value === "" ? [] : [[name, String(value)]],
  );
  return { attributes: Object.fromEntries(attributes), data: JSON.stringify(detail) };
}

/** The structured mode of the HTTP binding: one JSON text. */
export function structuredText({ attributes, data }: DeliveredCloudEvent): string {
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${data}}`;
}

/** The binary mode of the HTTP binding: attributes as headers, percent-encoded as it says (CloudEvents, 3.1.3.2). */
export function binaryHeaders({ attributes }: DeliveredCloudEvent): Record<string, string> {
  const { datacontenttype = "application/json", ...others } = attributes;
  const headers = Object.entries(others).map(([name, value]) => [`ce-${name}`, headerValue(value)]);
  return { "content-type": datacontenttype, ...Object.fromEntries(headers) };
}

function headerValue(text: string): string {
  return text.toWellFormed().replaceAll(/[^\u0021-\u007e]|["%]/gu, (character) => encodeURIComponent(character));
}
