import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import type { EventQueue } from "../shared/event-queue/event-queue.ts";
import type { QueuedMessage } from "../shared/flows/read-messages.ts";
import type { ReturnedMessage } from "../shared/flows/route-batch.ts";

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;

export type QueuePorts = {
  queue: Pick<EventQueue, "changeVisibility">;
  now: () => Date;
  onTrouble: (error: unknown) => void;
};

/**
 * A queue that knows the order of its messages says it; a standard queue of SQS doesn't. There it is the position in the
 * batch: as near as can be, and told by the first receive alone, as a message comes back in other company.
 * @param position in its batch; undefined where that tells nothing
 */
export function messageOf(record: SQSRecord, position?: number): QueuedMessage {
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
 * whole, all come back after 1 to 30 s: left alone they would wait for the visibility timeout, which is hours.
 */
export async function returned<M extends QueuedMessage>(
  ports: QueuePorts,
  messages: readonly M[],
  work: (messages: readonly M[]) => Promise<ReturnedMessage[]>,
): Promise<SQSBatchResponse> {
  const back = await work(messages).catch((error: unknown) => {
    ports.onTrouble(error);
    return messages.map((message) => ({ message, retryInMs: backoffMs(message) }));
  });
  const now = ports.now();
  await Promise.all(
    back.map(({ message, retryInMs }) =>
      // A message whose visibility could not be changed comes back all the same, only later.
      ports.queue.changeVisibility(message.receiptHandle, retryInMs, now).catch(ports.onTrouble),
    ),
  );
  return { batchItemFailures: back.map(({ message }) => ({ itemIdentifier: message.messageId })) };
}

/** Backoff of a message whose batch failed as a whole: doubles with every receive, 1 s to 30 s. */
export function backoffMs({ receiveCount }: Pick<QueuedMessage, "receiveCount">): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(receiveCount - 1, 10));
}
