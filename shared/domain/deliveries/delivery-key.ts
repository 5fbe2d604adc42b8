import type { BusEvent } from "../events/event.ts";
import { sha256 } from "../hash.ts";
import { canonical, exactNumber, mayHaveEscapes } from "../text/canonical-json.ts";

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

/** The component of a delivery key; its name has no `#`. */
export function componentIn(deliveryKey: string): string {
  return deliveryKey.slice(0, deliveryKey.indexOf("#"));
}

/** The event key inside a delivery key. Component names have no `#`. */
export function eventKeyIn(deliveryKey: string): string {
  const from = deliveryKey.indexOf("#") + 1;
  const to = deliveryKey.indexOf("#", from);
  if (from === 0) return "";
  return to < 0 ? deliveryKey.slice(from) : deliveryKey.slice(from, to);
}

/**
 * Hash of what the event says: source, detail-type and canonical detail without `metadata`. A publisher's retry has
 * a new id and time but the same hash; another payload under the same key has another one. `body` is the event's own
 * text, needed where a number has more digits than a JavaScript number holds.
 */
export function payloadHashOf(event: BusEvent, body: string): string {
  const detail = MAY_BE_INEXACT.test(body) ? exactDetail(body) : event.detail;
  const { metadata: _, ...said } = detail;
  return sha256(JSON.stringify([event.source, event["detail-type"]]) + canonical(said, mayHaveEscapes(body)));
}

/** Text that may hold a number of more than 15 digits or with an exponent of 3; reading it exactly costs a second parse. */
const MAY_BE_INEXACT = /[[:,\s]-?(?:\d[\d.]{15}|[\d.]+[eE][+-]?\d{3})/;

function exactDetail(body: string): Record<string, unknown> {
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined ? exactNumber(value, context.source) : value;
  return (JSON.parse(body, reviver) as { detail: Record<string, unknown> }).detail;
}
