import middy from "@middy/core";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Attempting } from "../shared/flows/deliver-claimed.ts";
import { routeBatch } from "../shared/flows/route-batch.ts";
import type { RouterPorts } from "../shared/flows/router-ports.ts";
import { messageOf, type QueuePorts, returned } from "./queue-batch.ts";

/**
 * The Lambda handler of the live queue's dead-letter queue: messages that were received so often that the queue gave
 * them up. Their events are stored and their deliveries closed as dead, so that they are listed and can be replayed.
 */
export function deadLettersHandler(ports: RouterPorts & QueuePorts) {
  return middy<SQSEvent, SQSBatchResponse>().handler((event) =>
    returned(
      ports,
      event.Records.map((record) => messageOf(record)),
      (messages) => routeBatch(ports, messages, { attempt: giveUp, received: true }),
    ),
  );
}

const giveUp: Attempting = async () => ({
  outcome: "exhausted",
  error: {
    type: "QueueGaveUp",
    message: "the queue handed the message out as often as it may, and no router finished it. Replay it when they can",
  },
});
