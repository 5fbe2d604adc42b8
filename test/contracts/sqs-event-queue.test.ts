import { describe, expect, test } from "vitest";
import type { EventQueue } from "../../shared/event-queue/event-queue.ts";
import { sqsEventQueue } from "../../shared/event-queue/sqs-event-queue.ts";
import { type SqsStub, sqsClient, sqsStub } from "../support/sqs-stub.ts";
import { describeEventQueue } from "./event-queue.contract.ts";

/** SQS has a clock of its own; here it is wound to what each call says. */
function wound(queue: EventQueue, stub: SqsStub): EventQueue {
  const at = <T>(now: Date, call: () => Promise<T>) => {
    stub.setNow(now);
    return call();
  };
  return {
    send: (messages, now) => at(now, () => queue.send(messages, now)),
    receive: (max, visibilityMs, now) => at(now, () => queue.receive(max, visibilityMs, now)),
    delete: (handles) => queue.delete(handles),
    changeVisibility: (handle, visibilityMs, now) => at(now, () => queue.changeVisibility(handle, visibilityMs, now)),
    depth: (now) => at(now, () => queue.depth(now)),
  };
}

async function open(maxReceiveCount?: number) {
  const stub = await sqsStub(maxReceiveCount);
  const { queueUrl, deadLetterQueueUrl } = stub;
  const another = () => wound(sqsEventQueue({ client: sqsClient(stub.endpoint), queueUrl, deadLetterQueueUrl }), stub);
  return { stub, queue: another(), another: async () => another(), close: async () => {} };
}

describeEventQueue("SQS, a stub of it", open);

describe("a queue of SQS", () => {
  const now = new Date("2026-11-20T10:00:00.000Z");

  test("sends in as few requests as its limits of 10 entries and 1 MiB allow", async () => {
    const { queue, stub } = await open();
    await queue.send(Array(25).fill("small"), now);
    expect(stub.counts()).toEqual({ SendMessageBatch: 3 });
    await queue.send(Array(4).fill("x".repeat(400_000)), now);
    expect(stub.counts()).toEqual({ SendMessageBatch: 5 });
  });

  test("sends again what SQS couldn't take, and only that", async () => {
    const { queue, stub } = await open();
    stub.failEntries(3);
    const ids = await queue.send(["a", "b", "c", "d", "e"], now);
    expect(new Set(ids).size).toBe(5);
    expect(await queue.depth(now)).toMatchObject({ visible: 5 });
  });

  test("fails when SQS goes on refusing, and says how many weren't taken", async () => {
    const { queue, stub } = await open();
    stub.failEntries(1_000);
    await expect(queue.send(["a", "b"], now)).rejects.toThrow(/didn't take 2 messages .*InternalError: injected/);
  });

  test("says whose a message is by the hash of the group, which SQS takes as an id", async () => {
    const { queue, stub } = await open();
    await queue.send([{ body: "{}", group: "customer#Ærø & Söhne" }, "{}"], now);
    expect(stub.groups()).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), undefined]);
  });

  test("keeps a message invisible for no longer than the 12 hours that SQS has", async () => {
    const { queue } = await open();
    await queue.send(["late"], now);
    const [message] = await queue.receive(1, 1_000, now);
    await queue.changeVisibility(message?.receiptHandle ?? "", 86_400_000, now);
    expect(await queue.receive(1, 1_000, new Date(now.getTime() + 43_200_000))).toHaveLength(1);
  });
});
