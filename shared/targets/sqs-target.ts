import { sha256 } from "../domain/hash.ts";
import { type AskFor, type RefusalTable, refused, resultOfError, tooLarge, wrongTarget } from "./aws-calls.ts";
import { leaseTooShort } from "./lease-too-short.ts";
import type { Send, SendResult, Target } from "./target.ts";

/** Of one message, and of all messages of a request together (SQS quotas). */
const MAX_BYTES = 1_048_576;

const MAX_ENTRIES = 10;

const GRANT = "Let the router send to the queue (sqs:SendMessage).";

const REFUSALS: RefusalTable = {
  QueueDoesNotExist: { verdict: "retry", remedy: "Correct the target's queueArn, or make the queue." },
  AccessDeniedException: { verdict: "retry", remedy: GRANT },
  AccessDenied: { verdict: "retry", remedy: GRANT },
  InvalidMessageContents: { verdict: "dead" },
  UnsupportedOperation: { verdict: "dead" },
  OverLimit: { verdict: "throttled" },
  KmsThrottled: { verdict: "throttled" },
  "KMS.ThrottlingException": { verdict: "throttled" },
};

export type SqsTargetOptions = {
  askFor: AskFor;
  now: () => Date;
};

type Waiting = { send: Send; start: Date; entry: Entry; bytes: number; settle: (result: SendResult) => void };
type Entry = { MessageBody: string; MessageGroupId?: string; MessageDeduplicationId?: string };

/**
 * Puts the event into the alias's own queue: done once the queue has it. What is sent to a queue at the same moment, as
 * the deliveries of a batch are, goes in requests of up to ten. In a FIFO queue the events of a project, else of a
 * customer, stay in order, and what was sent for a delivery before is dropped for five minutes.
 */
export function sqsTarget({ askFor, now }: SqsTargetOptions): Target {
  const waiting = new Map<string, Waiting[]>();

  async function flush(queueArn: string): Promise<void> {
    const all = waiting.get(queueArn) ?? [];
    waiting.delete(queueArn);
    await Promise.all(inRequests(all).map((some) => sendTogether(queueArn, some)));
  }

  async function sendTogether(queueArn: string, some: readonly Waiting[]): Promise<void> {
    const signal = AbortSignal.timeout(Math.min(...some.map(({ send }) => send.timeoutMs)));
    const spent = ({ start }: Waiting) => now().getTime() - start.getTime();
    try {
      const answer = await askFor(queueArn)("SendMessageBatch", requestOf(queueArn, some), signal);
      const results = resultsOf(answer);
      for (const [index, one] of some.entries()) one.settle(resultOf(results.get(String(index)), one.send, spent(one)));
    } catch (error) {
      for (const one of some) one.settle(resultOfError(error, REFUSALS, one.send, spent(one)));
    }
  }

  return async (send) => {
    const { address, payload } = send;
    const start = now();
    if (address.kind !== "sqs") return wrongTarget(`a target of kind '${address.kind}' is not a queue`);
    const late = leaseTooShort(send, start);
    if (late !== undefined) return late;
    const entry = entryOf(send, address.queueArn);
    const bytes = Buffer.byteLength(entry.MessageBody);
    if (bytes > MAX_BYTES) return tooLarge(Buffer.byteLength(payload), MAX_BYTES, "SQS");
    return new Promise((settle) => {
      const others = waiting.get(address.queueArn);
      const one = { send, start, entry, bytes, settle };
      if (others !== undefined) return void others.push(one);
      waiting.set(address.queueArn, [one]);
      setImmediate(() => void flush(address.queueArn));
    });
  };
}

/** SQS takes no U+FFFE and U+FFFF, which JSON may have in texts; escaped they are the same. */
function entryOf(send: Send, queueArn: string): Entry {
  const MessageBody = send.payload.replaceAll("\ufffe", "\\ufffe").replaceAll("\uffff", "\\uffff");
  if (!queueArn.endsWith(".fifo")) return { MessageBody };
  const deliveryKey = `${send.component}#${send.idempotencyKey}`;
  const { project, customer } = send.subject;
  const group =
    project !== undefined ? `project#${project}` : customer !== undefined ? `customer#${customer}` : deliveryKey;
  return { MessageBody, MessageGroupId: fifoId(group), MessageDeduplicationId: fifoId(deliveryKey) };
}

/** As it is where SQS takes it: up to 128 characters of ASCII, without spaces. */
function fifoId(text: string): string {
  return /^[\x21-\x7e]{1,128}$/.test(text) ? text : sha256(text);
}

function inRequests(all: readonly Waiting[]): Waiting[][] {
  const requests: Waiting[][] = [];
  let bytes = 0;
  for (const one of all) {
    const last = requests.at(-1);
    bytes += one.bytes;
    if (last !== undefined && last.length < MAX_ENTRIES && bytes <= MAX_BYTES) last.push(one);
    else {
      requests.push([one]);
      bytes = one.bytes;
    }
  }
  return requests;
}

function requestOf(queueArn: string, some: readonly Waiting[]): object {
  const [, partition, , region, account, name] = queueArn.split(":");
  const domain = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  const Entries = some.map(({ entry }, index) => ({ Id: String(index), ...entry }));
  return { QueueUrl: `https://sqs.${region}.${domain}/${account}/${name}`, Entries };
}

type EntryAnswer = { Id?: unknown; MessageId?: unknown; SenderFault?: unknown; Code?: unknown; Message?: unknown };

function resultsOf({ Successful, Failed }: Record<string, unknown>): Map<string, EntryAnswer> {
  const answers = [Successful, Failed].flatMap((list) => (Array.isArray(list) ? (list as EntryAnswer[]) : []));
  return new Map(answers.map((answer) => [String(answer.Id), answer]));
}

function resultOf(answer: EntryAnswer | undefined, send: Send, durationMs: number): SendResult {
  if (typeof answer?.MessageId === "string") {
    return { outcome: "done", executedVersion: "unknown", durationMs, requestId: answer.MessageId };
  }
  if (answer === undefined) {
    return refused("retry", { type: "NoAnswer", message: "SQS doesn't say what became of the message" }, durationMs);
  }
  const error = Object.assign(new Error(String(answer.Message ?? answer.Code)), { name: String(answer.Code) });
  const result = resultOfError(error, REFUSALS, send, durationMs);
  // What the sender has done wrong it would do again.
  return result.outcome === "failed" && answer.SenderFault === true && !(error.name in REFUSALS)
    ? { ...result, isFinal: true }
    : result;
}
