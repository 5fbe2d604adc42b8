import { eventKeyOf, payloadHashOf } from "../../shared/domain/delivery-key.ts";
import { aComponent, anEvent, bodyOf } from "../support/builders.ts";
import type { Trouble } from "./trouble.ts";

export type EventKind = "order placed" | "order paid" | "stock counted" | "unreadable";

/** The same key with another payload must never run. */
export type PlannedEvent = { at: number; key: number; payload: number; project: number; kind: EventKind };

/** `gone` is no alias of the components; null takes the pin away. */
export type PlannedPin = { after: number; project: number; alias: "beta" | "gone" | null };

export type Scenario = {
  seed: number;
  /** What is published and when, in ms. */
  events: PlannedEvent[];
  /** What the operator does, and how many ms after what came before. */
  pins: PlannedPin[];
  /** Processes that route, each with an event source and a cache of its own. */
  routers: number;
  trouble: Trouble;
  /** After that many steps nothing fails any more, but the consumer. */
  calmAfter: number;
};

const retry = { maxAttempts: 4, baseDelayMs: 500 };

/** `order placed` goes to both, `order paid` to the first, everything else to nobody. */
export const components = [
  aComponent({ name: "invoice", pattern: { "detail-type": ["order placed", "order paid"] }, timeoutMs: 3_000, retry }),
  aComponent({ name: "mailer", pattern: { "detail-type": ["order placed"] }, timeoutMs: 1_000, retry }),
];

/** A message in the queue, and what has to become of it. */
export type Published = {
  body: string;
  sentAt: Date;
  /** Undefined for text that is no event. */
  event?: { eventKey: string; payloadHash: string; idempotencyKey: string; components: string[] };
};

export function publish({ kind, key, payload, project }: PlannedEvent, index: number, sentAt: Date): Published {
  if (kind === "unreadable") return { body: `unreadable ${index}`, sentAt };
  const idempotencyKey = `${kind} ${key}`;
  const about = { id: `event-${index}`, detailType: kind, idempotencyKey, project: `project-${project}` };
  const event = anEvent({ ...about, detail: { payload } });
  const body = bodyOf(event);
  return {
    body,
    sentAt,
    event: {
      eventKey: eventKeyOf(event.source, kind, idempotencyKey),
      payloadHash: payloadHashOf(event, body),
      idempotencyKey,
      components: components.filter(({ pattern }) => isListed(pattern["detail-type"], kind)).map(({ name }) => name),
    },
  };
}

function isListed(list: unknown, kind: EventKind): boolean {
  return Array.isArray(list) && list.includes(kind);
}
