import middy from "@middy/core";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Attempting } from "../shared/flows/deliver/deliver-claimed.ts";
import { routeBatch } from "../shared/flows/deliver/route-batch.ts";
import type { RouterPorts } from "../shared/flows/deliver/router-ports.ts";
import { sendOne } from "../shared/flows/deliver/send-one.ts";
import { messageOf, type QueuePorts, returned, UNTIMED } from "./queue-batch.ts";

/** Who has given up the messages of a dead-letter queue, and what its deliveries' error says of it. */
const reasons = {
  queue: {
    type: "QueueGaveUp",
    message: "the queue handed the message out as often as it may, and no router finished it. Replay it when they can",
  },
  rule: {
    type: "RuleGaveUp",
    message:
      "EventBridge couldn't put the event into the live queue, and nothing has been tried. Replay it when it can",
  },
} as const;

/**
 * The Lambda handler of a dead-letter queue: of messages that were received so often that the live queue gave them up, or
 * of events that the bus's rule never got into it. Their events are stored and their deliveries closed as dead, so that
 * they are listed and can be replayed. What waits for a row that can't be read waits on, as it does behind a router: it may
 * not even be known yet whether the component listens to it.
 */
export function deadLettersHandler(ports: RouterPorts & QueuePorts, givenUpBy: keyof typeof reasons = "queue") {
  const attempt: Attempting = async (own, delivery, claimed, names) =>
    delivery.route.held === undefined
      ? { outcome: "exhausted", error: reasons[givenUpBy] }
      : sendOne(own, delivery, claimed, names);
  return middy<SQSEvent, SQSBatchResponse>(UNTIMED).handler((event, context) => {
    const messages = event.Records.map((record) => messageOf(record));
    return returned(ports, messages, context, (own) => routeBatch(own, messages, { attempt, received: true }));
  });
}
