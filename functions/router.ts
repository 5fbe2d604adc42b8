import middy from "@middy/core";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { routeBatch } from "../shared/flows/deliver/route-batch.ts";
import type { RouterPorts } from "../shared/flows/deliver/router-ports.ts";
import { messageOf, type QueuePorts, returned, UNTIMED } from "./queue-batch.ts";

/**
 * The router's Lambda handler: a batch of SQS messages in, the ids of those that must come back out. Each of these
 * has been given its own backoff as its visibility timeout.
 */
export function routerHandler(ports: RouterPorts & QueuePorts) {
  return middy<SQSEvent, SQSBatchResponse>(UNTIMED).handler((event, context) => {
    const messages = event.Records.map((record, index) => messageOf(record, index));
    return returned(ports, messages, context, (own) => routeBatch(own, messages));
  });
}
