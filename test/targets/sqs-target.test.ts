import { describe, expect, it } from "vitest";
import { sha256 } from "../../shared/domain/hash.ts";
import { sqsTarget } from "../../shared/targets/sqs-target.ts";
import type { Send } from "../../shared/targets/target.ts";
import { type AwsAnswer, askingOf, awsJsonStub } from "../support/aws-json-stub.ts";
import { anOrdersKey } from "../support/builders.ts";
import { aSend } from "./aws-sends.ts";

const queueArn = "arn:aws:sqs:eu-west-1:123456789012:orders";
const address = { kind: "sqs", queueArn } as const;
const fifo = { kind: "sqs", queueArn: `${queueArn}.fifo` } as const;

type Entry = { Id: string; MessageBody: string; MessageGroupId?: string; MessageDeduplicationId?: string };

/** A target whose service takes everything, unless it is said what it answers to an entry. */
async function aQueue(answer: (entry: Entry) => object | undefined = () => undefined, all?: AwsAnswer) {
  const { endpoint, asked } = await awsJsonStub(({ input }) => {
    const entries = input.Entries as Entry[];
    const failed = entries.flatMap((entry) => {
      const failure = answer(entry);
      return failure === undefined ? [] : [{ Id: entry.Id, ...failure }];
    });
    const ids = new Set(failed.map(({ Id }) => Id));
    const taken = entries.filter(({ Id }) => !ids.has(Id)).map(({ Id }) => ({ Id, MessageId: `message-${Id}` }));
    return all ?? { Successful: taken, Failed: failed };
  });
  const askFor = askingOf({ name: "sqs", target: "AmazonSQS", version: "1.0" }, endpoint);
  const target = sqsTarget({ askFor, now: () => new Date() });
  const send = (about: Partial<Send> = {}) => target(aSend({ address, ...about }));
  const entries = () => asked.flatMap(({ input }) => input.Entries as Entry[]);
  return { send, asked, entries };
}

describe("a target of kind sqs", () => {
  it("sends what comes at the same moment in requests of up to ten", async () => {
    const { send, asked } = await aQueue();
    const results = await Promise.all(Array.from({ length: 23 }, () => send()));
    expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => "done"));
    expect(asked.map(({ operation, input }) => [operation, (input.Entries as Entry[]).length])).toEqual([
      ["SendMessageBatch", 10],
      ["SendMessageBatch", 10],
      ["SendMessageBatch", 3],
    ]);
    expect(asked[0]?.input.QueueUrl).toBe("https://sqs.eu-west-1.amazonaws.com/123456789012/orders");
  });

  it("sends no more than 1 MiB in one request", async () => {
    const { send, asked } = await aQueue();
    const payload = JSON.stringify({ text: "x".repeat(400_000) });
    await Promise.all([send({ payload }), send({ payload }), send({ payload }), send()]);
    expect(asked.map(({ input }) => (input.Entries as Entry[]).length)).toEqual([2, 2]);
  });

  it("refuses for good an event of more than 1 MiB, and asks nobody", async () => {
    const { send, asked } = await aQueue();
    const most = `"${"x".repeat(1_048_574)}"`;
    expect(await send({ payload: most })).toMatchObject({ outcome: "done" });
    expect(await send({ payload: `${most} ` })).toEqual({
      outcome: "failed",
      error: { type: "Turnout.PayloadTooLarge", message: "the event has 1048577 bytes; SQS takes up to 1048576" },
      durationMs: 0,
      isFinal: true,
    });
    expect(asked).toHaveLength(1);
  });

  it("tells of each entry what became of it, and leaves its neighbours alone", async () => {
    const failures: Record<string, object> = {
      "1": { SenderFault: true, Code: "InvalidParameterValue", Message: "no" },
      "2": { SenderFault: false, Code: "InternalError", Message: "later" },
      "3": { SenderFault: true, Code: "RequestThrottled", Message: "slower" },
      "4": { SenderFault: true, Code: "KMS.ThrottlingException", Message: "slower" },
      "5": { SenderFault: true, Code: "AccessDeniedException", Message: "not you" },
    };
    const { send } = await aQueue(({ Id }) => failures[Id]);
    const results = await Promise.all(Array.from({ length: 6 }, () => send()));
    expect(results).toMatchObject([
      { outcome: "done", requestId: "message-0" },
      { outcome: "failed", error: { type: "InvalidParameterValue", message: "no" }, isFinal: true },
      { outcome: "failed", error: { type: "InternalError", message: "later" } },
      { outcome: "throttled", error: { type: "RequestThrottled" } },
      { outcome: "throttled" },
      { outcome: "failed", error: { message: "not you Let the router send to the queue (sqs:SendMessage)." } },
    ]);
    expect(results.filter((result) => "isFinal" in result)).toHaveLength(1);
  });

  it.each<[AwsAnswer, object]>([
    [{ refusal: "QueueDoesNotExist" }, { outcome: "failed", error: { message: expect.stringContaining("queueArn") } }],
    [{ refusal: "ThrottlingException" }, { outcome: "throttled" }],
    [
      { refusal: "Busy", status: 503 },
      { outcome: "failed", error: { type: "Busy" } },
    ],
    [{ refusal: "UnsupportedOperation" }, { outcome: "failed", isFinal: true }],
    ["cut", { outcome: "failed" }],
    [{}, { outcome: "failed", error: { type: "NoAnswer" } }],
  ])("whose service answers %j says so of every event", async (answer, result) => {
    const { send } = await aQueue(undefined, answer);
    expect(await Promise.all([send(), send()])).toMatchObject([result, result]);
  });

  it("keeps a project's events in order in a FIFO queue, else a customer's, and names each by its delivery", async () => {
    const { send, entries } = await aQueue();
    const deliveryKey = `mailer#${anOrdersKey("order-1")}`;
    await send({ address: fifo, subject: { project: "acme/site", customer: "acme" } });
    await send({ address: fifo, subject: { customer: "Ærø AG" } });
    await send({ address: fifo });
    const long = { component: "c".repeat(64), idempotencyKey: anOrdersKey("order-1") };
    await send({ address: fifo, subject: { customer: "acme" }, ...long });
    await send({ subject: { customer: "acme" } });
    const ids = entries().map(({ MessageGroupId, MessageDeduplicationId }) => [MessageGroupId, MessageDeduplicationId]);
    expect(ids).toEqual([
      ["project#acme/site", deliveryKey],
      [sha256("customer#Ærø AG"), deliveryKey],
      [deliveryKey, deliveryKey],
      ["customer#acme", sha256(`${long.component}#${long.idempotencyKey}`)],
      [undefined, undefined],
    ]);
  });

  it("escapes what SQS takes in no message, so that the event is the same", async () => {
    const { send, entries } = await aQueue();
    await send({ payload: '{"text":"a\uffff\ufffe"}' });
    const [body = ""] = entries().map(({ MessageBody }) => MessageBody);
    expect(body).toBe('{"text":"a\\uffff\\ufffe"}');
    expect(JSON.parse(body)).toEqual({ text: "a\uffff\ufffe" });
  });
});
