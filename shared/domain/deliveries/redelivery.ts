import * as z from "zod/mini";
import { Instant, read, readJson } from "../text/schema.ts";
import type { LedgerEntry, RecordKey } from "./delivery.ts";
import type { Generation } from "./delivery-key.ts";

/** Names one delivery of a stored event that is to be made now. */
export type Redelivery = RecordKey & { component: string; generation: Generation };

const RedeliveryBody = z.strictObject({
  redelivery: z.strictObject({
    component: z.string(),
    eventKey: z.string(),
    generation: z.string(),
    payloadHash: z.string(),
    t0: Instant,
  }),
});

/** No event begins like this: the envelope that the bus puts around each has no such field. */
const BEGINNING = '{"redelivery":';

/** The queue's message that has a delivery made again. */
export function redeliveryBody({ component, eventKey, generation, payloadHash, t0 }: Redelivery | LedgerEntry): string {
  return JSON.stringify({ redelivery: { component, eventKey, generation, payloadHash, t0: t0.toISOString() } });
}

/** Whose turn it is with the message, in a queue that groups share fairly. */
export function redeliveryGroup({ component }: Pick<Redelivery, "component">): string {
  return `component#${component}`;
}

/** What the message asks for; undefined when it is an event. */
export function readRedelivery(body: string): Redelivery | undefined {
  if (!body.startsWith(BEGINNING)) return undefined;
  const json = readJson(body);
  const asked = json.ok ? read(RedeliveryBody, json.value) : json;
  if (!asked.ok) return undefined;
  const { t0, ...named } = asked.value.redelivery;
  return { ...named, t0: new Date(t0) };
}
