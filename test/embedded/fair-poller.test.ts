import type { SQSBatchResponse } from "aws-lambda";
import { describe, expect, it, onTestFinished } from "vitest";
import { batchesOf, startQueuePoller } from "../../scripts/embedded/queue-poller.ts";
import type { ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { sqliteEventQueue } from "../../shared/event-queue/sqlite-event-queue.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { eventually } from "../support/port-calls.ts";

const now = new Date("2026-11-20T10:00:00.000Z");

function aMessage(group: string, n: number): ReceivedMessage {
  return { messageId: `${group} ${n}`, receiptHandle: "", body: "", sentAt: now, receiveCount: 1, group };
}

describe("messages in batches", () => {
  it("keep a crowd apart from the others, and waste no batch on those who send little", () => {
    const crowd = Array.from({ length: 12 }, (_, n) => aMessage("crowd", n));
    const others = ["a", "b", "a", "c"].map(aMessage);
    const mixed = [...crowd.slice(0, 6), ...others.slice(0, 2), ...crowd.slice(6), ...others.slice(2)];
    expect(batchesOf(mixed, 10)).toEqual([crowd.slice(0, 10), crowd.slice(10), others]);
  });

  it("are as before where the queue knows no groups", () => {
    const messages = Array.from({ length: 5 }, (_, n) => {
      const { group: _group, ...message } = aMessage("", n);
      return message;
    });
    expect(batchesOf(messages, 2)).toEqual([messages.slice(0, 2), messages.slice(2, 4), messages.slice(4)]);
  });
});

describe("the embedded queue poller beside a flood that nobody finishes", () => {
  it("leaves a quarter of its places to messages whose turn it is", async () => {
    const database = openDatabase(":memory:");
    onTestFinished(() => database.close());
    const queue = sqliteEventQueue(database);
    const ending: ((answer: SQSBatchResponse) => void)[] = [];
    const taken: string[] = [];
    const poller = startQueuePoller({
      name: "turnout-router",
      queue,
      handler: (event) => {
        taken.push(...event.Records.map(({ body }) => body));
        return new Promise((resolve) => ending.push(resolve));
      },
      now: () => now,
      onError: (error) => expect.fail(String(error)),
      maxInFlight: 40,
      pollMs: 2 ** 31 - 1,
    });
    onTestFinished(async () => {
      for (const end of ending) end({ batchItemFailures: [] });
      await poller.stop();
    });
    await queue.send(Array(200).fill({ body: "flood", group: "noisy" }), now);
    poller.wake();
    await eventually(() => taken.length === 30);
    await queue.send([{ body: "quiet", group: "somebody" }], now);
    poller.wake();
    await eventually(() => taken.includes("quiet"));
    // One of the flood was in turn as well; all the others wait until a place is free.
    expect(taken.filter((body) => body === "flood").length).toBeLessThanOrEqual(31);
  });
});
