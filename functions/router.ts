import middy from "@middy/core";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { EventQueue } from "../shared/event-queue/event-queue.ts";
import type { QueuedMessage } from "../shared/flows/read-messages.ts";
import { routeBatch } from "../shared/flows/route-batch.ts";
import type { RouterPorts } from "../shared/flows/router-ports.ts";

export type RouterDependencies = RouterPorts & { queue: Pick<EventQueue, "changeVisibility"> };

/**
 * The router's Lambda handler: a batch of SQS messages in, the ids of those that must come back out. Each of these
 * has been given its own backoff as its visibility timeout.
 */
export function routerHandler(dependencies: RouterDependencies) {
  return middy<SQSEvent, SQSBatchResponse>().handler(async (event) => {
    const returned = await routeBatch(dependencies, event.Records.map(messageOf));
    const now = dependencies.now();
    await Promise.all(
      returned.map(({ message, retryInMs }) =>
        dependencies.queue.changeVisibility(message.receiptHandle, retryInMs, now),
      ),
    );
    return { batchItemFailures: returned.map(({ message }) => ({ itemIdentifier: message.messageId })) };
  });
}

function messageOf(record: SQSRecord): QueuedMessage {
  return {
    messageId: record.messageId,
    receiptHandle: record.receiptHandle,
    body: record.body,
    sentAt: new Date(Number(record.attributes.SentTimestamp)),
    receiveCount: Number(record.attributes.ApproximateReceiveCount),
  };
}
