import { TurnoutError } from "../domain/errors.ts";
import { checkEntry } from "../domain/events/event-entry.ts";
import { RetryPolicy } from "../domain/retry.ts";
import { read } from "../domain/text/schema.ts";
import { clientFor, type Where } from "./event-bridge-client.ts";
import { EventNotPublished, EventsNotPublished } from "./event-not-published.ts";
import { type Common, type Details, type OutgoingEvent, type PreparedEvent, prepareEvent } from "./outgoing-event.ts";
import { type EntryOutcome, type Sending, sendBatch } from "./put-entries.ts";
import { batchesOf } from "./put-events-batches.ts";

export type PublisherOptions = {
  /** What publishes, e.g. `shop`: the `source` of every event. 1 to 256 characters that don't start with `aws.`. */
  source: string;
  /** Name or ARN of the bus. Default: the account's default bus; the embedded mode has but one. */
  eventBusName?: string | undefined;
  /** The flow of events that don't name one themselves. A function is asked once per `publish`. */
  flow?: string | (() => string | undefined);
  /** The W3C trace context of events that don't name one themselves. A function is asked once per `publish`. */
  traceparent?: string | (() => string | undefined);
  /** Requests at a time, for each `publish`. Default 4. */
  concurrency?: number;
  /** Full jitter. Default: 5 attempts in all, delays of up to 100 ms that double, to at most 5,000 ms. */
  retry?: Partial<Pick<RetryPolicy, "maxAttempts" | "baseDelayMs" | "maxDelayMs">>;
  /** How long a request waits for its answer. Default 10,000. */
  requestTimeoutMs?: number;
  /** A `publish` for which no event has been settled for that long makes no further attempt. Default 60,000. */
  giveUpAfterMs?: number;
  /** Time and chance, for tests. */
  machine?: Partial<Machine>;
} & Where;

type Machine = {
  /** Milliseconds on any clock that doesn't go back. */
  now: () => number;
  delay: (ms: number) => Promise<unknown>;
  random: () => number;
  newIdempotencyKey: () => string;
};

/** What became of one event: the id that the bus gave it, or why it isn't known to be published. */
export type PublishResult = { eventId: string } | { error: EventNotPublished };

export type Publisher<D extends Record<keyof D, object> = Details> = {
  /**
   * Publishes the events and says for each, in the same order, what became of it. Every event is checked before
   * anything is sent; one that is wrong doesn't hold up the others. They go out in requests of up to 10 events and
   * 1 MB, `concurrency` at a time, so the order in which they arrive is not promised. What was throttled, or failed
   * inside EventBridge or on the way there, is sent again with the same idempotency key.
   *
   * Throws only what loading the SDK throws, and the functions that were given to it.
   */
  publish(events: readonly OutgoingEvent<D>[]): Promise<PublishResult[]>;
  /**
   * The same for who doesn't look at results: returns the event ids.
   * @throws EventsNotPublished when there is an event that isn't known to be published; the others are
   */
  publishOrThrow(events: readonly OutgoingEvent<D>[]): Promise<string[]>;
};

/**
 * Makes what a service publishes its events with, to an embedded server or to EventBridge on AWS. Cheap; the SDK is
 * loaded with the first event.
 *
 * @throws TurnoutError `usage` that names the option which is wrong
 */
export function createPublisher<D extends Record<keyof D, object> = Details>(options: PublisherOptions): Publisher<D> {
  const { source, eventBusName, requestTimeoutMs = 10_000, giveUpAfterMs = 60_000 } = options;
  const { retry, concurrency } = checked(options);
  const machine: Machine = { ...thisMachine, ...options.machine };
  let client: Promise<Sending["client"]> | undefined;

  async function publish(events: readonly OutgoingEvent<D>[]): Promise<PublishResult[]> {
    const common = { source, eventBusName, flow: asked(options.flow), traceparent: asked(options.traceparent) };
    const { ready, results } = prepareAll(events, common, machine.newIdempotencyKey);
    if (ready.length === 0) return results;
    client ??= clientFor(options);
    let settledAtMs = machine.now();
    const isStalled = () => machine.now() - settledAtMs >= giveUpAfterMs;
    const sending: Sending = { ...machine, client: await client, retry, requestTimeoutMs, isStalled };
    const settle = (event: Ready, settled: EntryOutcome) => {
      if ("eventId" in settled || !settled.retryable) settledAtMs = machine.now();
      results[event.index] = "eventId" in settled ? settled : { error: new EventNotPublished(event, settled) };
    };
    // All workers take from the one iterator, so each batch is taken once.
    const batches = batchesOf(ready).values();
    const work = async () => {
      for (const batch of batches) await sendBatch(batch, sending, settle);
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    return results;
  }

  async function publishOrThrow(events: readonly OutgoingEvent<D>[]): Promise<string[]> {
    const results = await publish(events);
    const errors = results.flatMap((result) => ("error" in result ? [result.error] : []));
    if (errors.length > 0) throw new EventsNotPublished(errors, results.length);
    return results.flatMap((result) => ("eventId" in result ? [result.eventId] : []));
  }

  return { publish, publishOrThrow };
}

function checked(options: PublisherOptions): Pick<Sending, "retry"> & { concurrency: number } {
  const { source, concurrency = 4 } = options;
  const entry = checkEntry({ Source: source, DetailType: "any", Detail: "{}" });
  if (!entry.ok) throw wrong(`source: ${entry.errorMessage}`);
  if (!Number.isInteger(concurrency) || concurrency < 1) throw wrong("concurrency: expected a whole number from 1");
  const retry = read(RetryPolicy, { maxAttempts: 5, baseDelayMs: 100, maxDelayMs: 5_000, ...options.retry }, "retry");
  if (!retry.ok) throw wrong(retry.problem);
  if ("endpoint" in options && options.endpoint !== undefined && !URL.canParse(options.endpoint)) {
    throw wrong(`endpoint: expected a URL such as http://127.0.0.1:4600, found '${options.endpoint}'`);
  }
  return { retry: retry.value, concurrency };
}

function wrong(problem: string): TurnoutError {
  return new TurnoutError("usage", `The publisher can't be made: ${problem.replace(/\.$/, "")}.`);
}

type Ready = PreparedEvent & { index: number; detailType: string };

/** The events that can be sent, and the results of those that can't, in their places. */
function prepareAll(events: readonly OutgoingEvent[], common: Common, newKey: () => string) {
  const results = new Array<PublishResult>(events.length);
  const ready: Ready[] = [];
  for (const [index, event] of events.entries()) {
    const prepared = prepareEvent(event, common, newKey);
    const which = { index, detailType: event?.detailType };
    if (prepared.ok) ready.push({ ...prepared.value, ...which });
    else {
      const { code, problem: message } = prepared;
      results[index] = { error: new EventNotPublished(which, { code, message, attempts: 0, retryable: false }) };
    }
  }
  return { ready, results };
}

function asked(value: string | (() => string | undefined) | undefined): string | undefined {
  return typeof value === "function" ? value() : value;
}

const thisMachine: Machine = {
  now: () => performance.now(),
  delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
  newIdempotencyKey: () => crypto.randomUUID(),
};
