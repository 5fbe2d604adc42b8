import type { SQSRecord } from "aws-lambda";
import type { ReceivedMessage } from "../../shared/event-queue/event-queue.ts";

/** Whose queue it is, as a record of it says. */
export type QueueOfRecord = { senderId: string; queueArn: string; region: string };

/** A received message as SQS hands it to Lambda. */
export function sqsRecord(message: ReceivedMessage, { senderId, queueArn, region }: QueueOfRecord): SQSRecord {
  const sent = String(message.sentAt.getTime());
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      ...(message.sequence !== undefined && { SequenceNumber: String(message.sequence) }),
      SentTimestamp: sent,
      SenderId: senderId,
      ApproximateFirstReceiveTimestamp: sent,
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}
