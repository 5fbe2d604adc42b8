import type { Context, SQSBatchResponse, SQSRecord } from "aws-lambda";
import type { EventQueue, ReceivedMessage } from "../shared/event-queue/event-queue.ts";
import type { ReturnedMessage } from "../shared/flows/deliver/route-batch.ts";
import { untilWritten, type WritePorts } from "../shared/flows/kept-writes.ts";
import { LONGEST_QUEUE_TRY_MS, within } from "./invocation.ts";

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;

/** Middy would answer for a handler 5 ms before its time is up, with an error, and leave alone what it is still writing. */
export const UNTIMED = { timeoutEarlyInMillis: 0 };

export type QueuePorts = WritePorts & {
  queue: Pick<EventQueue, "changeVisibility">;
  onError: (error: unknown) => void;
  /** Told how many messages go back because the work on their batch has failed as a whole. */
  onUnrouted?: (messages: number) => void;
};

/**
 * A queue that knows the order of its messages says it; a standard queue of SQS doesn't. There it is the position in the
 * batch: as near as can be, and told by the first receive alone, as a message comes back in other company.
 * @param position in its batch; undefined where that tells nothing
 */
export function messageOf(record: SQSRecord, position?: number): ReceivedMessage {
  const { ApproximateReceiveCount, SequenceNumber } = record.attributes;
  const receiveCount = Number(ApproximateReceiveCount);
  const inBatch = receiveCount === 1 && position !== undefined ? position + 1 : undefined;
  const sequence = SequenceNumber === undefined ? inBatch : Number(SequenceNumber);
  return {
    messageId: record.messageId,
    receiptHandle: record.receiptHandle,
    body: record.body,
    sentAt: new Date(Number(record.attributes.SentTimestamp)),
    receiveCount,
    ...(sequence !== undefined && { sequence }),
  };
}

/**
 * Works on a batch, and answers which messages have to come back, each with its own backoff. If the work fails as a
 * whole, all come back after 1 to 30 s: left alone they would wait for the visibility timeout, which is hours. So what
 * says when they come back is tried until it is written, for as long as the invocation may last.
 */
export async function returned<P extends QueuePorts>(
  ports: P,
  messages: readonly ReceivedMessage[],
  context: Pick<Context, "getRemainingTimeInMillis">,
  work: (ports: P) => Promise<ReturnedMessage[]>,
): Promise<SQSBatchResponse> {
  const hiding = within(ports, context, LONGEST_QUEUE_TRY_MS);
  const back = await work(within(ports, context)).catch((error: unknown) => {
    ports.onError(error);
    ports.onUnrouted?.(messages.length);
    return messages.map((message) => ({ message, retryInMs: backoffMs(message) }));
  });
  const now = ports.now();
  await Promise.all(
    back.map(({ message, retryInMs }) =>
      untilWritten(hiding, () => ports.queue.changeVisibility(message.receiptHandle, retryInMs, now), FOR_GOOD).catch(
        ports.onError,
      ),
    ),
  );
  return { batchItemFailures: back.map(({ message }) => ({ itemIdentifier: message.messageId })) };
}

/** A message that stays hidden is worth every try. */
const FOR_GOOD = new Date(8.64e15);

/** Backoff of a message whose batch failed as a whole: doubles with every receive, 1 s to 30 s. */
export function backoffMs({ receiveCount }: Pick<ReceivedMessage, "receiveCount">): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(receiveCount - 1, 10));
}
