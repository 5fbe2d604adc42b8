import { hash } from "node:crypto";
import type { BusEvent } from "../events/event.ts";

/** Which delivery of an event this is: `live`, or the id of the replay that delivers it again. */
export type Generation = string;
export const LIVE: Generation = "live";

/** One key for every retry of the same event, the same for all components. 64 hexadecimal digits. */
export function eventKeyOf(source: string, detailType: string, idempotencyKey: string): string {
  return sha256(JSON.stringify([source, detailType, idempotencyKey]));
}

/** The ledger's key: `component # event key # generation`. */
export function deliveryKeyOf(component: string, eventKey: string, generation: Generation): string {
  return `${component}#${eventKey}#${generation}`;
}

/** The event key inside a delivery key. Component names have no `#`. */
export function eventKeyIn(deliveryKey: string): string {
  return deliveryKey.split("#", 2)[1] ?? "";
}

/**
 * Hash of what the event says: source, detail-type and canonical detail without `metadata`. A publisher's retry has
 * a new id and time but the same hash; another payload under the same key has another one. `body` is the event's own
 * text, needed where a number has more digits than a JavaScript number holds.
 */
export function payloadHashOf(event: BusEvent, body: string): string {
  const detail = MAY_BE_INEXACT.test(body) ? exactDetail(body) : event.detail;
  const { metadata: _, ...said } = detail;
  return sha256(JSON.stringify([event.source, event["detail-type"]]) + canonical(said));
}

/**
 * JSON with object keys sorted by UTF-16 code unit, as RFC 8785 sorts them. Runs over the whole of every event: put
 * together by hand it costs half of what `JSON.stringify` per key and value does.
 */
export function canonical(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return Number.isFinite(value) ? `${value}` : "null";
  if (typeof value !== "object" || value === null) return `${value}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof ExactNumber) return value.text;
  const object = value as Record<string, unknown>;
  let fields = "";
  for (const key of Object.keys(object).sort()) {
    fields += `${fields === "" ? "" : ","}${quoted(key)}:${canonical(object[key])}`;
  }
  return `{${fields}}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that JSON escapes
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

function quoted(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Text that may hold a number of more than 15 digits or with an exponent of 3; reading it exactly costs a second parse. */
const MAY_BE_INEXACT = /[[:,\s]-?(?:\d[\d.]{15}|[\d.]+[eE][+-]?\d{3})/;

/** A number that a double doesn't hold, as `digits e exponent` without zeros at either end. */
class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function exactDetail(body: string): Record<string, unknown> {
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined ? exactNumber(value, context.source) : value;
  return (JSON.parse(body, reviver) as { detail: Record<string, unknown> }).detail;
}

/**
 * The number itself where doubles tell it from every other number of as many digits: 15 digits within their range.
 * It depends on the number alone: the rest of the body (a new id, say) may have been what called for this.
 */
function exactNumber(value: number, source: string): number | ExactNumber {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? [];
  const digits = whole + fraction;
  let first = 0;
  while (digits[first] === "0") first++;
  let end = digits.length;
  while (end > first && digits[end - 1] === "0") end--;
  const significant = end - first;
  const power = Number(exponent) - fraction.length + digits.length - end;
  if (significant === 0 || (significant <= 15 && Math.abs(power + significant) < 300)) return value;
  // Past 2^53 the sum itself would be inexact.
  return new ExactNumber(Math.abs(power) < 1e15 ? `${sign}${digits.slice(first, end)}e${power}` : source);
}

/** SHA-256 in hexadecimal. */
export function sha256(text: string): string {
  return hash("sha256", text, "hex");
}
