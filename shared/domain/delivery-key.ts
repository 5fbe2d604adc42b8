import { hash } from "node:crypto";
import type { BusEvent } from "./event.ts";

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
  // A double holds 15 significant digits for certain; beyond that two numbers could hash alike.
  const detail = /\d{16}/.test(body.replaceAll(".", "")) ? exactDetail(body) : event.detail;
  const { metadata: _, ...said } = detail;
  return sha256(JSON.stringify([event.source, event["detail-type"]]) + canonical(said));
}

/** JSON with object keys sorted by UTF-16 code unit, as RFC 8785 sorts them. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof ExactNumber) return value.text;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const object = value as Record<string, unknown>;
  const fields = Object.keys(object).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(object[key])}`).join()}}`;
}

class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function exactDetail(body: string): Record<string, unknown> {
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined && context.source.length > 15
      ? new ExactNumber(context.source)
      : value;
  return (JSON.parse(body, reviver) as { detail: Record<string, unknown> }).detail;
}

/** SHA-256 in hexadecimal. */
export function sha256(text: string): string {
  return hash("sha256", text, "hex");
}
