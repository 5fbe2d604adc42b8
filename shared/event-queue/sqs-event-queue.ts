import { createHash } from "node:crypto";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { TurnoutError } from "../domain/errors.ts";
import type { EventQueue, OutgoingMessage, ReceivedMessage } from "./event-queue.ts";

/** Most entries of a batch request, and most bytes of their bodies together (SQS quotas). */
const MAX_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576;

/** Longest that a message can be kept invisible: 12 hours, counted from its receive (SQS quotas). */
const MAX_VISIBILITY_S = 43_200;

/** Tries of the entries of a send that SQS couldn't take just then. */
const MAX_SEND_TRIES = 5;

export type SqsQueueOptions = {
  client: Pick<SQSClient, "send">;
  queueUrl: string;
  /** The queue that SQS moves messages to after their last receive; its depth is the `dead` of this one's. */
  deadLetterQueueUrl?: string;
};

/**
 * A standard queue of SQS. Its own clock counts, in whole seconds, so the `now` of a call is not looked at and times are
 * rounded up. A `send` that throws may have sent some of the messages. `depth` is approximate, as SQS says it.
 */
export function sqsEventQueue({ client, queueUrl, deadLetterQueueUrl }: SqsQueueOptions): EventQueue {
  async function sendBatch(entries: readonly SendMessageBatchRequestEntry[]): Promise<Map<string, string>> {
    const ids = new Map<string, string>();
    let left = [...entries];
    for (let tries = 1; left.length > 0; tries++) {
      const { Successful = [], Failed = [] } = await client.send(
        new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left }),
      );
      for (const { Id = "", MessageId = "" } of Successful) ids.set(Id, MessageId);
      left = left.filter(({ Id = "" }) => !ids.has(Id));
      const hopeless = Failed.find(({ SenderFault }) => SenderFault === true);
      if (left.length > 0 && (hopeless !== undefined || tries === MAX_SEND_TRIES)) {
        const { Code, Message } = hopeless ?? Failed[0] ?? {};
        const reason = `${Code ?? "no reason given"}: ${Message ?? ""}`;
        throw new TurnoutError("failed", `SQS didn't take ${left.length} messages for ${queueUrl} (${reason}).`);
      }
    }
    return ids;
  }

  return {
    async send(messages) {
      const sent = await Promise.all(batchesOf(messages).map(sendBatch));
      const ids = new Map(sent.flatMap((batch) => [...batch]));
      return messages.map((_, index) => ids.get(String(index)) ?? "");
    },
    async receive(max, visibilityMs) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: Math.min(max, MAX_ENTRIES),
          VisibilityTimeout: seconds(visibilityMs),
          MessageSystemAttributeNames: ["SentTimestamp", "ApproximateReceiveCount"],
        }),
      );
      return Messages.map(receivedOf);
    },
    async delete(receiptHandles) {
      for (let first = 0; first < receiptHandles.length; first += MAX_ENTRIES) {
        const Entries = receiptHandles
          .slice(first, first + MAX_ENTRIES)
          .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
        // An entry that fails leaves its message to come back, and to be found done.
        await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      }
    },
    async changeVisibility(ReceiptHandle, visibilityMs) {
      const VisibilityTimeout = Math.min(MAX_VISIBILITY_S, seconds(visibilityMs));
      try {
        await client.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout }));
      } catch (error) {
        if (!isOutOfDate(error)) throw error;
      }
    },
    async depth() {
      const [live, dead] = await Promise.all([
        attributesOf(client, queueUrl),
        deadLetterQueueUrl === undefined ? undefined : attributesOf(client, deadLetterQueueUrl),
      ]);
      return { ...live, dead: (dead?.visible ?? 0) + (dead?.inFlight ?? 0) };
    },
  };
}

/** Entries with the index of their message as id, in as few batches as the limits allow. */
function batchesOf(messages: readonly OutgoingMessage[]): SendMessageBatchRequestEntry[][] {
  const batches: SendMessageBatchRequestEntry[][] = [];
  let bytes = MAX_BATCH_BYTES;
  for (const [index, message] of messages.entries()) {
    const { body, group } = typeof message === "string" ? { body: message, group: undefined } : message;
    const size = Buffer.byteLength(body);
    const last = batches.at(-1);
    const entry = {
      Id: String(index),
      MessageBody: body,
      // On a standard queue it makes the queue fair between groups; a group's id may have but few characters.
      ...(group === undefined ? {} : { MessageGroupId: createHash("sha256").update(group).digest("hex") }),
    };
    if (last === undefined || last.length === MAX_ENTRIES || bytes + size > MAX_BATCH_BYTES) {
      batches.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return batches;
}

function receivedOf({ MessageId = "", ReceiptHandle = "", Body = "", Attributes = {} }: Message): ReceivedMessage {
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    sentAt: new Date(Number(Attributes.SentTimestamp)),
    receiveCount: Number(Attributes.ApproximateReceiveCount),
  };
}

async function attributesOf(client: Pick<SQSClient, "send">, QueueUrl: string) {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  return {
    visible: Number(Attributes.ApproximateNumberOfMessages ?? 0),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
  };
}

/** Up, so that a message never comes back before what it waits for is due. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/** The message has been deleted, or is visible again: whoever has it now decides. */
function isOutOfDate(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const text = `${error.name}: ${error.message}`;
  return /MessageNotInflight|ReceiptHandleIsInvalid|does not exist or is not available/.test(text);
}
