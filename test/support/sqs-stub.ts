import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SQSClient } from "@aws-sdk/client-sqs";
import { onTestFinished } from "vitest";
import { stubServer } from "./stub-server.ts";

type Stored = {
  messageId: string;
  body: string;
  group: string | undefined;
  sentAt: number;
  visibleAt: number;
  receiveCount: number;
  handle: string | undefined;
};

type Answer = { status?: number; errorType?: string; body: object };
type Request = Record<string, unknown>;

export type AboutSqs = {
  /** The stub's clock, in ms since the epoch. Default: stands still, where `setNow` puts it. */
  clock?: () => number;
  /** What a queue holds in flight at most. Default 120,000, as standard queues do. */
  maxInFlight?: number;
};

export type SqsStub = {
  endpoint: string;
  queueUrl: string;
  deadLetterQueueUrl: string;
  setNow: (now: Date) => void;
  /** When the next message that is hidden becomes visible, of either queue. */
  nextVisible: () => Date | undefined;
  /** Requests by operation. */
  counts: () => Record<string, number>;
  /** The groups of the messages that are there. */
  groups: () => (string | undefined)[];
  /** Refuses so many entries of the next sends, as SQS does when it has trouble of its own. */
  failEntries: (count: number) => void;
};

/**
 * A server that speaks SQS's JSON protocol for one standard queue and its dead-letter queue: visibility in whole
 * seconds, receive counts, redrive after `maxReceiveCount`, receipt handles that go out of date, 10 entries a batch.
 */
export async function sqsStub(maxReceiveCount = 1_000, about: AboutSqs = {}): Promise<SqsStub> {
  let stopped = Date.now();
  const { clock = () => stopped, maxInFlight = 120_000 } = about;
  let failing = 0;
  const counts: Record<string, number> = {};
  const queues = { live: [] as Stored[], dead: [] as Stored[] };
  const queueOf = (request: Request) => (String(request.QueueUrl).endsWith("/dead") ? "dead" : "live");

  function send(name: "live" | "dead", entry: Request): { ok: object } | { failed: object } {
    if (failing > 0) {
      failing -= 1;
      return { failed: { Id: entry.Id, SenderFault: false, Code: "InternalError", Message: "injected" } };
    }
    const body = String(entry.MessageBody);
    const messageId = randomUUID();
    const group = entry.MessageGroupId === undefined ? undefined : String(entry.MessageGroupId);
    const now = clock();
    queues[name].push({ messageId, body, group, sentAt: now, visibleAt: now, receiveCount: 0, handle: undefined });
    return { ok: { Id: entry.Id, MessageId: messageId, MD5OfMessageBody: md5(body) } };
  }

  function receive(name: "live" | "dead", request: Request): object {
    const received: object[] = [];
    const now = clock();
    for (const message of [...queues[name]]) {
      if (received.length >= Number(request.MaxNumberOfMessages ?? 1)) break;
      if (message.visibleAt > now) continue;
      if (queues[name].filter(({ visibleAt }) => visibleAt > now).length >= maxInFlight) break;
      if (name === "live" && message.receiveCount >= maxReceiveCount) {
        queues.live.splice(queues.live.indexOf(message), 1);
        queues.dead.push({ ...message, receiveCount: 0, visibleAt: now, handle: undefined });
        continue;
      }
      message.receiveCount += 1;
      message.visibleAt = now + Number(request.VisibilityTimeout ?? 30) * 1_000;
      message.handle = randomUUID();
      received.push({
        MessageId: message.messageId,
        ReceiptHandle: message.handle,
        Body: message.body,
        MD5OfBody: md5(message.body),
        Attributes: { SentTimestamp: String(message.sentAt), ApproximateReceiveCount: String(message.receiveCount) },
      });
    }
    return received.length === 0 ? {} : { Messages: received };
  }

  function changeVisibility(name: "live" | "dead", request: Request): Answer {
    const seconds = Number(request.VisibilityTimeout);
    const now = clock();
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > 43_200) {
      return { status: 400, errorType: "InvalidParameterValue", body: { message: `VisibilityTimeout ${seconds}` } };
    }
    const message = queues[name].find(({ handle }) => handle === request.ReceiptHandle);
    if (message === undefined)
      return { status: 400, errorType: "ReceiptHandleIsInvalid", body: { message: "unknown" } };
    if (message.visibleAt <= now) return { status: 400, errorType: "MessageNotInflight", body: { message: "visible" } };
    message.visibleAt = now + seconds * 1_000;
    return { body: {} };
  }

  function answer(operation: string, request: Request): Answer {
    const name = queueOf(request);
    const entries = (request.Entries ?? []) as Request[];
    if (entries.length > 10) return { status: 400, errorType: "TooManyEntriesInBatchRequest", body: {} };
    if (operation === "SendMessageBatch") {
      if (entries.reduce((bytes, { MessageBody }) => bytes + Buffer.byteLength(String(MessageBody)), 0) > 1_048_576) {
        return { status: 400, errorType: "BatchRequestTooLong", body: {} };
      }
      const results = entries.map((entry) => send(name, entry));
      return {
        body: {
          Successful: results.flatMap((result) => ("ok" in result ? [result.ok] : [])),
          Failed: results.flatMap((result) => ("failed" in result ? [result.failed] : [])),
        },
      };
    }
    if (operation === "ReceiveMessage") return { body: receive(name, request) };
    if (operation === "ChangeMessageVisibility") return changeVisibility(name, request);
    if (operation === "DeleteMessageBatch") {
      const gone = new Set(entries.map(({ ReceiptHandle }) => ReceiptHandle));
      queues[name] = queues[name].filter(({ handle }) => handle === undefined || !gone.has(handle));
      return { body: { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] } };
    }
    if (operation === "GetQueueAttributes") {
      const visible = queues[name].filter(({ visibleAt }) => visibleAt <= clock()).length;
      const inFlight = queues[name].length - visible;
      return {
        body: {
          Attributes: {
            ApproximateNumberOfMessages: String(visible),
            ApproximateNumberOfMessagesNotVisible: String(inFlight),
            ...(name === "live" ? { RedrivePolicy: JSON.stringify({ maxReceiveCount }) } : {}),
          },
        },
      };
    }
    return { status: 400, errorType: "UnsupportedOperation", body: { message: operation } };
  }

  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
      counts[operation] = (counts[operation] ?? 0) + 1;
      const { status = 200, errorType, body } = answer(operation, await bodyOf(request));
      const type = errorType === undefined ? {} : { __type: `com.amazonaws.sqs#${errorType}` };
      response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify({ ...type, ...body }));
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  return {
    endpoint,
    queueUrl: `${endpoint}/000000000000/live`,
    deadLetterQueueUrl: `${endpoint}/000000000000/dead`,
    setNow: (at) => {
      stopped = at.getTime();
    },
    nextVisible: () => {
      const hidden = [...queues.live, ...queues.dead].filter(({ visibleAt }) => visibleAt > clock());
      return hidden.length === 0 ? undefined : new Date(Math.min(...hidden.map(({ visibleAt }) => visibleAt)));
    },
    counts: () => ({ ...counts }),
    groups: () => queues.live.map(({ group }) => group),
    failEntries: (count) => {
      failing = count;
    },
  };
}

/** The real client on a stub. */
export function sqsClient(endpoint: string): SQSClient {
  const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
  const client = new SQSClient({ endpoint, region: "eu-west-1", credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
}

async function bodyOf(request: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
