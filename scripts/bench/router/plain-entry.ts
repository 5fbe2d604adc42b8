import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { ChangeMessageVisibilityCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import middy from "@middy/core";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { z } from "zod";

/**
 * A router on the usual parts, as they are usually put together, to be weighed beside ours: the same clients, zod in
 * full, middy.
 */
const BusEvent = z.looseObject({
  id: z.string().min(1),
  source: z.string().min(1),
  "detail-type": z.string().min(1),
  time: z.iso.datetime(),
  detail: z.record(z.string(), z.unknown()),
});

const table = DynamoDBDocumentClient.from(new DynamoDBClient());
const lambda = new LambdaClient();
const queue = new SQSClient();
const TableName = process.env.TURNOUT_ROUTING_TABLE;

export const handler = middy<SQSEvent, SQSBatchResponse>().handler(async ({ Records }) => {
  const settled = await Promise.allSettled(Records.map(deliver));
  const failed = Records.filter((_, index) => settled[index]?.status === "rejected");
  await Promise.all(failed.map(comesBack));
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
});

async function deliver({ body }: SQSRecord): Promise<void> {
  const { id } = BusEvent.parse(JSON.parse(body));
  await table.send(new PutCommand({ TableName, Item: { id }, ConditionExpression: "attribute_not_exists(id)" }));
  await lambda.send(new InvokeCommand({ FunctionName: process.env.FUNCTION, Qualifier: "stable", Payload: body }));
  await table.send(new UpdateCommand({ TableName, Key: { id }, UpdateExpression: "SET done = :t" }));
}

async function comesBack({ receiptHandle }: SQSRecord): Promise<void> {
  const QueueUrl = process.env.QUEUE_URL;
  await queue.send(
    new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout: 30 }),
  );
}
