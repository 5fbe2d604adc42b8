import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { type EntryOutcome, sendBatch } from "../client/put-entries.ts";
import { batchesOf } from "../client/put-events-batches.ts";
import type { BusEvent } from "../domain/events/event.ts";
import { entryBytes } from "../domain/events/event-entry.ts";
import { RetryPolicy } from "../domain/retry.ts";
import { readExactJson } from "../domain/text/exact-json.ts";

/** An event in EventBridge's envelope: what is in it, and its text. */
export type EnvelopedEvent = { event: BusEvent; body: string };

/** Requests at a time. */
const CONCURRENCY = 4;

const RETRY = RetryPolicy.parse({ maxAttempts: 5, baseDelayMs: 100, maxDelayMs: 5_000 });

const REQUEST_TIMEOUT_MS = 10_000;

/** Puts events on a bus, and says of each what became of it, in the same order. */
export async function putOnBus(
  client: Pick<EventBridgeClient, "send">,
  busName: string,
  events: readonly EnvelopedEvent[],
  machine: { random: () => number; delay: (ms: number) => Promise<unknown> },
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

function preparedEvent({ event, body }: EnvelopedEvent, EventBusName: string) {
  const { value } = readExactJson(body) as { value: { detail: Record<string, unknown>; resources?: string[] } };
  const entry = {
    Source: event.source,
    DetailType: event["detail-type"],
    Detail: JSON.stringify(withId(value.detail, event.id)),
    Time: new Date(event.time),
    Resources: value.resources ?? [],
    EventBusName,
  };
  return { entry, bytes: entryBytes({ ...entry, Time: event.time }), idempotencyKey: event.id };
}

/**
 * EventBridge gives an event another id every time that it gets it, and a request whose answer was lost is made again:
 * an event that turns out to have nothing else to be known by keeps the id that it had. Whether it has a key at its
 * source's path is not known here: who publishes may not read the routing.
 */
function withId(detail: Record<string, unknown>, turnoutEventId: string): Record<string, unknown> {
  const { metadata = {} } = detail;
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) return detail;
  const hasKey = "idempotencyKey" in metadata && metadata.idempotencyKey !== null;
  return hasKey ? detail : { ...detail, metadata: { ...metadata, turnoutEventId } };
}
