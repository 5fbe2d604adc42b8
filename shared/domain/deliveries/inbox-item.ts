import * as z from "zod/mini";
import { Subject } from "../subject.ts";
import { Instant } from "../text/schema.ts";
import type { TurnoutField } from "./delivered-event.ts";
import { eventKeyOfDelivered } from "./delivered-event.ts";
import { deliveryKeyOf } from "./delivery-key.ts";
import { destinationRecord, type ToldOutcome } from "./destination-record.ts";

/**
 * An attempt that waits for a laptop. The event itself is in the event store; here stands what was put on top of it, and
 * what its outcome has to hand back.
 */
export const InboxItem = z.strictObject({
  /** Of this attempt alone. */
  requestId: z.string(),
  component: z.string(),
  alias: z.string(),
  functionArn: z.string(),
  at: Instant,
  timeoutMs: z.int(),
  event: z.strictObject({ id: z.string(), source: z.string(), "detail-type": z.string() }),
  turnout: z.looseObject({
    component: z.string(),
    alias: z.string(),
    because: z.string(),
    idempotencyKey: z.string(),
    generation: z.string(),
    attempt: z.int(),
    outcomeToken: z.string(),
    subject: z.catch(Subject, {}),
  }),
});
export type InboxItem = z.infer<typeof InboxItem>;

/** The delivery that it is an attempt of. */
export function deliveryKeyIn({ component, turnout }: InboxItem): string {
  return deliveryKeyOf(component, eventKeyOfDelivered(turnout.idempotencyKey) ?? "", turnout.generation);
}

/** As the event's deliverer wrote it. */
export function turnoutFieldOf({ turnout }: InboxItem): TurnoutField {
  return turnout as unknown as TurnoutField;
}

/** The message of the outcomes queue that tells what came of it. */
export function inboxOutcome(item: InboxItem, told: ToldOutcome, at: Date): string {
  const { alias, functionArn, requestId, event, turnout } = item;
  const requestPayload = { ...event, turnout };
  return JSON.stringify(destinationRecord({ alias, functionArn, requestId, requestPayload }, told, at));
}
