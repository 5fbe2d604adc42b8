import { setTimeout as wait } from "node:timers/promises";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { backoffMs } from "../../functions/queue-batch.ts";
import { type EventQueue, HANDED_OUT_MS, type ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { type KeptWrites, untilWritten, type WritePorts } from "../../shared/flows/kept-writes.ts";
import { lambdaContext } from "./lambda-context.ts";
import { sqsRecord } from "./sqs-record.ts";

/** Lambda's event source mapping, embedded: takes batches from the queue, calls the handler, deletes what succeeded. */
export type QueuePoller = {
  /** Looks at the queue now, because something was put there. */
  wake(): void;
  /**
   * Begins work on messages that aren't in the queue, as soon as there is room for so many among what is handled. False: there
   * was none for a moment, and nothing was begun.
   */
  run(messages: number, work: () => Promise<void>): boolean | Promise<boolean>;
  /** Messages being handled, all of a batch until it has ended. */
  inFlight(): number;
  /** Takes no more messages, and resolves when the running batches have ended. */
  stop(): Promise<void>;
};

export type QueuePollerOptions = {
  /** The handler's function, by name. */
  name: string;
  queue: EventQueue;
  handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
  now: () => Date;
  onError: (error: unknown) => void;
  /** What room is waited for, and a delete or a visibility that can't be written tried again, with. Default: chance, clock. */
  random?: () => number;
  delay?: (ms: number) => Promise<void>;
  /** Where it is seen what is being kept. */
  kept?: KeptWrites;
  /** Messages per batch. Default 10. */
  batchSize?: number;
  /** Messages being handled at once, over all batches. Default 1,000. */
  maxInFlight?: number;
  /** How long a message that was taken stays hidden. Default 6 × 900 s: six times the longest router run, as on AWS. */
  visibilityMs?: number;
  /** How often an idle queue is looked at, for messages from other processes. Default 50 ms. */
  pollMs?: number;
};

const QUEUE = {
  senderId: "turnout-front-door",
  queueArn: "arn:aws:sqs:local:000000000000:turnout-live",
  region: "local",
};

/** Share of what may be in flight that only messages in turn get: a flood that is slow to handle leaves room. */
const FOR_THOSE_IN_TURN = 0.25;

/**
 * How long work waits for room. Versions that keep up make some sooner, and by the queue an event costs twice as much: its
 * publisher had better wait for a moment.
 */
const ROOM_WITHIN_MS = 25;

/** How long the queue is left alone after it couldn't be read. */
const PAUSE_MS = 1_000;

/** Batches that are taken from the queue together when there are so many messages. */
const BATCHES_AT_ONCE = 10;

/** As Lambda's event source for SQS has it by default. */
const BATCH_SIZE = 10;

/** Has the handler work off what is in the queue now. What it gives back, or can't be handed over, is left for later. */
export async function drainQueue(options: Omit<QueuePollerOptions, "maxInFlight" | "pollMs">): Promise<void> {
  const { queue, now, batchSize = BATCH_SIZE, visibilityMs = HANDED_OUT_MS } = options;
  for (;;) {
    const messages = await queue.receive(batchSize, visibilityMs, now());
    if (messages.length === 0) return;
    await handle(options, messages, () => false);
  }
}

export function startQueuePoller(options: QueuePollerOptions): QueuePoller {
  const { queue, now, onError } = options;
  const { maxInFlight = 1_000, visibilityMs = HANDED_OUT_MS, pollMs = 50, delay = wait } = options;
  const batchSize = Math.min(options.batchSize ?? BATCH_SIZE, maxInFlight);
  const forAnybody = Math.max(1, Math.floor((maxInFlight * (1 - FOR_THOSE_IN_TURN)) / batchSize)) * batchSize;
  const allEnded = Promise.withResolvers<void>();
  const line: { messages: number; begin: () => void }[] = [];
  let inFlight = 0;
  let stopped = false;
  let pausedUntil = 0;
  let taking: Promise<void> | undefined;
  let wokenWhileTaking = false;
  /** Whether there may be messages in the queue that there was no room for. */
  let wantsRoom = false;

  function wake(): void {
    if (taking !== undefined) {
      wokenWhileTaking = true;
      return;
    }
    if (now().getTime() < pausedUntil) return;
    taking = take()
      .catch((error: unknown) => {
        pausedUntil = now().getTime() + PAUSE_MS;
        onError(error);
      })
      .finally(() => {
        taking = undefined;
        if (wokenWhileTaking) wake();
      });
  }

  async function take(): Promise<void> {
    wokenWhileTaking = false;
    wantsRoom = false;
    while (!stopped && inFlight + batchSize <= maxInFlight) {
      // Several batches at once: their claims, and then their closes, share a transaction each.
      const inTurnOnly = inFlight + batchSize > forAnybody;
      const places = (inTurnOnly ? maxInFlight : forAnybody) - inFlight;
      const most = Math.min(places, BATCHES_AT_ONCE * batchSize);
      const messages = await queue.receive(most, visibilityMs, now(), inTurnOnly);
      if (messages.length === 0) {
        // There may be some that aren't in turn.
        wantsRoom = inTurnOnly;
        return;
      }
      for (const batch of batchesOf(messages, batchSize))
        follow(batch.length, () => handle(options, batch, () => stopped), wake);
    }
    wantsRoom = true;
  }

  /** Counts the messages as in flight while the work lasts; there is room for others then. */
  function follow(messages: number, work: () => Promise<void>, then: () => void): void {
    inFlight += messages;
    void work()
      .catch(onError)
      .finally(() => {
        inFlight -= messages;
        for (let next = line[0]; next !== undefined && hasRoom(next.messages); next = line[0]) {
          line.shift();
          next.begin();
        }
        if (stopped && inFlight === 0) allEnded.resolve();
        then();
      });
  }

  /** What wasn't in the queue leaves nothing there: it needn't be looked at for that. */
  function makeRoom(): void {
    if (wantsRoom) wake();
  }

  function hasRoom(messages: number): boolean {
    return !stopped && inFlight + messages <= forAnybody;
  }

  /** Begins the work once those before it have made room; false where they don't within a moment. */
  function waitForRoom(messages: number, work: () => Promise<void>): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting = {
        messages,
        begin() {
          follow(messages, work, makeRoom);
          resolve(true);
        },
      };
      line.push(waiting);
      void delay(ROOM_WITHIN_MS).then(() => {
        const index = line.indexOf(waiting);
        if (index < 0) return;
        line.splice(index, 1);
        resolve(false);
      });
    });
  }

  const poll = setInterval(wake, pollMs);
  wake();
  return {
    wake,
    run(messages, work) {
      if (stopped || messages > forAnybody) return false;
      if (line.length > 0 || !hasRoom(messages)) return waitForRoom(messages, work);
      follow(messages, work, makeRoom);
      return true;
    },
    inFlight: () => inFlight,
    async stop() {
      stopped = true;
      clearInterval(poll);
      await taking;
      if (inFlight > 0) await allEnded.promise;
    },
  };
}

/**
 * Has a batch handled, and writes what becomes of its messages. What can't be written is tried again until the messages
 * come back by themselves; until then they count as in flight, so that no more are taken than can be kept.
 */
async function handle(
  options: QueuePollerOptions,
  messages: ReceivedMessage[],
  isStopped: () => boolean,
): Promise<void> {
  const { name, queue, handler, now, onError, visibilityMs = HANDED_OUT_MS } = options;
  const { random = Math.random, delay = (ms: number) => wait(ms), kept } = options;
  const visibleAt = new Date(now().getTime() + visibilityMs);
  const leftMs = () => (isStopped() ? 0 : Math.max(0, visibleAt.getTime() - now().getTime()));
  const until = () => new Date(now().getTime() + leftMs());
  const ports: WritePorts = { now, random, delay, until, ...(kept && { kept }) };
  const context = { ...lambdaContext(name, visibilityMs), getRemainingTimeInMillis: leftMs };
  const finished = await handler({ Records: messages.map((message) => sqsRecord(message, QUEUE)) }, context).then(
    ({ batchItemFailures }) => {
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      return messages.filter(({ messageId }) => !failed.has(messageId));
    },
    async (error: unknown) => {
      onError(error);
      const backAt = new Map(messages.map((message) => [message, now().getTime() + backoffMs(message)]));
      const comeBackLater = (message: ReceivedMessage) => {
        const inMs = Math.max(0, (backAt.get(message) ?? 0) - now().getTime());
        return queue.changeVisibility(message.receiptHandle, inMs, now());
      };
      const hiding = messages.map((message) => untilWritten(ports, () => comeBackLater(message), visibleAt));
      await Promise.all(hiding).catch(onError);
      return [];
    },
  );
  if (finished.length === 0) return;
  const handles = finished.map(({ receiptHandle }) => receiptHandle);
  await untilWritten(ports, () => queue.delete(handles), visibleAt).catch(onError);
}

/**
 * Messages in batches. A group with many gets batches of its own: where its version is slow, the others' closes would
 * wait for it in a batch that they share.
 */
export function batchesOf(messages: readonly ReceivedMessage[], size: number): ReceivedMessage[][] {
  const byGroup = Map.groupBy(messages, ({ group }) => group);
  const crowds = [...byGroup.values()].filter((crowd) => crowd.length > size / 2);
  const others = messages.filter(({ group }) => (byGroup.get(group)?.length ?? 0) <= size / 2);
  return [...crowds, others].flatMap((crowd) =>
    Array.from({ length: Math.ceil(crowd.length / size) }, (_, n) => crowd.slice(n * size, (n + 1) * size)),
  );
}
