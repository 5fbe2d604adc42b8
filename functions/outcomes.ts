import middy from "@middy/core";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { type OutcomePorts, takeOutcomes } from "../shared/flows/deliver/take-outcomes.ts";
import { messageOf, type QueuePorts, returned, UNTIMED } from "./queue-batch.ts";

/** When a message that is refused comes back, until its queue gives it up to a dead-letter queue, where it can be seen. */
const REFUSED_RETRY_MS = 30_000;

/** The Lambda handler of the outcomes queue: what became of `async` attempts, as Lambda's destinations tell it. */
export function outcomesHandler(ports: OutcomePorts & QueuePorts) {
  return middy<SQSEvent, SQSBatchResponse>(UNTIMED).handler((event, context) => {
    const messages = event.Records.map((record) => ({ ...messageOf(record), sender: record.attributes.SenderId }));
    return returned(ports, messages, context, async (own) => {
      const refused = await takeOutcomes(own, messages);
      return refused.map((message) => ({ message, retryInMs: REFUSED_RETRY_MS }));
    });
  });
}
