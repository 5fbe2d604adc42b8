import { randomBytes, randomUUID } from "node:crypto";
import type { SQSEvent, SQSRecord } from "aws-lambda";

export const BATCH = 10;
export const CUSTOMERS = 100;
export const SOURCE = "bench.shop";

/** What EventBridge put into the queue, in bytes. */
const BODY_BYTES = 1_024;

/** A batch of events as SQS hands it to a Lambda function, each of 1 KB and about another customer. */
export function sampleBatch(n: number): SQSEvent {
  return { Records: Array.from({ length: BATCH }, (_, index) => sampleRecord(n * BATCH + index)) };
}

function sampleRecord(n: number): SQSRecord {
  const messageId = randomUUID();
  const sentAt = String(Date.now());
  return {
    messageId,
    receiptHandle: messageId,
    body: sampleEvent(n),
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: sentAt,
      SenderId: "events.amazonaws.com",
      ApproximateFirstReceiveTimestamp: sentAt,
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:turnout-live",
    awsRegion: "eu-west-1",
  };
}

/** An order, filled up with lines that compress about as well as real ones do. */
function sampleEvent(n: number): string {
  const event = {
    version: "0",
    id: randomUUID(),
    "detail-type": "order placed",
    source: SOURCE,
    account: "123456789012",
    time: new Date().toISOString(),
    region: "eu-west-1",
    resources: [],
    detail: {
      metadata: { customer: `customer-${n % CUSTOMERS}`, idempotencyKey: `order-${randomUUID()}` },
      lines: [] as object[],
      note: "",
    },
  };
  const missing = () => BODY_BYTES - JSON.stringify(event).length;
  while (missing() > 80) {
    event.detail.lines.push({ sku: randomBytes(6).toString("hex"), quantity: 1 + (n % 9), price: "19.90", tax: 7 });
  }
  event.detail.note = "x".repeat(Math.max(0, missing()));
  return JSON.stringify(event);
}
