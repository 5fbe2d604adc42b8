import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { type EntryOutcome, sendBatch } from "../client/put-entries.ts";
import { batchesOf } from "../client/put-events-batches.ts";
import type { BusEvent } from "../domain/events/event.ts";
import { entryBytes } from "../domain/events/event-entry.ts";
import { RetryPolicy } from "../domain/retry.ts";
import { readExactJson } from "../domain/text/exact-json.ts";

/** An event in EventBridge's envelope: what is in it, its text, and its idempotency key. */
export type EnvelopedEvent = { event: BusEvent; body: string; idempotencyKey: string };

/** Requests at a time. */
const CONCURRENCY = 4;

const RETRY = RetryPolicy.parse({ maxAttempts: 5, baseDelayMs: 100, maxDelayMs: 5_000 });

const REQUEST_TIMEOUT_MS = 10_000;

/** Puts events on a bus, and says of each what became of it, in the same order. */
export async function putOnBus(
  client: Pick<EventBridgeClient, "send">,
  busName: string,
  events: readonly EnvelopedEvent[],
  machine: { random: () => number; delay: (ms: number) => Promise<void> },
): Promise<EntryOutcome[]> {
  const settled: EntryOutcome[] = [];
  const prepared = events.map((event, index) => ({ ...preparedEvent(event, busName), index }));
  const sending = { ...machine, client, retry: RETRY, requestTimeoutMs: REQUEST_TIMEOUT_MS, isStalled: () => false };
  const batches = batchesOf(prepared);
  const work = async () => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      await sendBatch(batch, sending, ({ index }, outcome) => {
        settled[index] = outcome;
      });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return settled;
}

function preparedEvent({ event, body, idempotencyKey }: EnvelopedEvent, EventBusName: string) {
  const { value } = readExactJson(body) as { value: { detail: Record<string, unknown>; resources?: string[] } };
  const entry = {
    Source: event.source,
    DetailType: event["detail-type"],
    Detail: JSON.stringify(idempotencyKey === event.id ? withKey(value.detail, event.id) : value.detail),
    Time: new Date(event.time),
    Resources: value.resources ?? [],
    EventBusName,
  };
  return { entry, bytes: entryBytes({ ...entry, Time: event.time }), idempotencyKey };
}

/**
 * EventBridge gives an event another id every time that it gets it, and a request whose answer was lost is made again:
 * an event that has nothing else to be known by keeps the id that it had.
 */
function withKey(detail: Record<string, unknown>, idempotencyKey: string): Record<string, unknown> {
  const { metadata = {} } = detail;
  const isOurs = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata);
  return isOurs ? { ...detail, metadata: { ...metadata, idempotencyKey } } : detail;
}
