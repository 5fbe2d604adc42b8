import { describe, expect, it } from "vitest";
import { backoffMs, messageOf, returned } from "../../functions/queue-batch.ts";
import type { ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import type { ReturnedMessage } from "../../shared/flows/deliver/route-batch.ts";
import { aMessage, T0 } from "../support/router.ts";

const now = new Date("2026-11-20T10:00:00.000Z");

/** Runs a batch, and tells what the queue was asked for. The messages named in `away` can't be hidden. */
async function run(
  messages: readonly ReceivedMessage[],
  work: (messages: readonly ReceivedMessage[]) => Promise<ReturnedMessage[]>,
  away: readonly string[] = [],
  { awayMs = Number.POSITIVE_INFINITY, leftMs = 60_000 } = {},
) {
  const hidden: [receiptHandle: string, visibilityMs: number, now: Date][] = [];
  const troubles: unknown[] = [];
  const queue = {
    changeVisibility: async (...change: (typeof hidden)[number]) => {
      if (away.includes(change[0]) && at - now.getTime() < awayMs) throw new Error(`no answer about ${change[0]}`);
      hidden.push(change);
    },
  };
  let at = now.getTime();
  const delay = async (ms: number) => {
    at += ms;
  };
  const onError = (error: unknown) => void troubles.push(error);
  const ports = { queue, now: () => new Date(at), random: () => 0.5, delay, onError };
  const context = { getRemainingTimeInMillis: () => now.getTime() + leftMs - at };
  const response = await returned(ports, messages, context, () => work(messages));
  return { response, hidden, troubles: troubles.map(String), tookMs: at - now.getTime() };
}

const failures = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });
const [first, second, third] = ["m-1", "m-2", "m-3"].map((messageId, index) =>
  aMessage({ messageId, receiveCount: index + 1 }),
) as [ReceivedMessage, ReceivedMessage, ReceivedMessage];

describe("a batch of a queue's messages", () => {
  it("gives back what its work gives back, each hidden for its own time", async () => {
    const { response, hidden, troubles } = await run([first, second, third], async ([one, , other]) => [
      { message: other ?? first, retryInMs: 12_000 },
      { message: one ?? first, retryInMs: 0 },
    ]);
    expect(response).toEqual(failures("m-3", "m-1"));
    expect(hidden).toEqual([
      ["m-3:3", 12_000, now],
      ["m-1:1", 0, now],
    ]);
    expect(troubles).toEqual([]);
  });

  it("whose work fails comes back as a whole, each message after its own backoff, and nothing is thrown", async () => {
    const { response, hidden, troubles } = await run([first, second, third], () =>
      Promise.reject(new Error("the store is away")),
    );
    expect(response).toEqual(failures("m-1", "m-2", "m-3"));
    expect(hidden).toEqual([
      ["m-1:1", 1_000, now],
      ["m-2:2", 2_000, now],
      ["m-3:3", 4_000, now],
    ]);
    expect(troubles).toEqual(["Error: the store is away"]);
  });

  it("still gives back a message that can't be hidden, and tells why; the others are hidden", async () => {
    const back = [first, second, third].map((message) => ({ message, retryInMs: 500 }));
    const { response, hidden, troubles } = await run([first, second, third], async () => back, ["m-2:2"]);
    expect(response).toEqual(failures("m-1", "m-2", "m-3"));
    expect(hidden.map(([handle]) => handle)).toEqual(["m-1:1", "m-3:3"]);
    expect(troubles).toEqual(["Error: no answer about m-2:2"]);
  });

  it("tells every error when the queue is away as well", async () => {
    const { response, troubles } = await run([first], () => Promise.reject(new Error("the store is away")), ["m-1:1"]);
    expect(response).toEqual(failures("m-1"));
    expect(troubles).toEqual(["Error: the store is away", "Error: no answer about m-1:1"]);
  });

  it("is hidden as it should be once the queue is back, and nothing is told of it", async () => {
    const { hidden, troubles, tookMs } = await run(
      [first],
      async () => [{ message: first, retryInMs: 500 }],
      ["m-1:1"],
      { awayMs: 20_000 },
    );
    expect(hidden).toEqual([["m-1:1", 500, now]]);
    expect(troubles).toEqual([]);
    expect(tookMs).toBeLessThan(21_000);
  });

  it("leaves the queue be in time for one more try before the invocation is cut off", async () => {
    const { tookMs, troubles } = await run([first], async () => [{ message: first, retryInMs: 500 }], ["m-1:1"]);
    expect(troubles).toEqual(["Error: no answer about m-1:1"]);
    expect(tookMs).toBeGreaterThan(40_000);
    expect(tookMs).toBeLessThanOrEqual(45_000);
  });
});

it.each([
  [1, 1_000],
  [2, 2_000],
  [5, 16_000],
  [6, 30_000],
  [1_000, 30_000],
])("a message received %i times comes back after %i ms from a batch that failed", (receiveCount, ms) => {
  expect(backoffMs({ receiveCount })).toBe(ms);
});

describe("a message", () => {
  const message = aMessage({ receiveCount: 12, body: "é" });
  const asReceived = (receiveCount: number, about: { SequenceNumber?: string } = {}) => {
    const { messageId, receiptHandle, body } = message;
    const attributes = {
      ApproximateReceiveCount: String(receiveCount),
      SentTimestamp: String(T0.getTime()),
      SenderId: "",
      ApproximateFirstReceiveTimestamp: "0",
      ...about,
    };
    const rest = { messageAttributes: {}, md5OfBody: "", eventSource: "", eventSourceARN: "", awsRegion: "" };
    return { messageId, receiptHandle, body, attributes, ...rest };
  };

  it("is read as SQS hands it to Lambda: numbers as text", () => {
    expect(messageOf(asReceived(12), 3)).toEqual(message);
  });

  it("has its position in the batch as its place, unless it was received before: then it is in other company", () => {
    expect([0, 1, 9].map((position) => messageOf(asReceived(1), position).sequence)).toEqual([1, 2, 10]);
    expect(messageOf(asReceived(2), 0)).not.toHaveProperty("sequence");
    expect(messageOf(asReceived(1))).not.toHaveProperty("sequence");
  });

  it("has the place that its queue tells, at every receive", () => {
    for (const receiveCount of [1, 2]) {
      expect(messageOf(asReceived(receiveCount, { SequenceNumber: "4711" }), 5).sequence).toBe(4711);
    }
  });
});
