import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import type { EventQueue, ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { queueModel } from "./queue-model.ts";

export type OpenQueue = {
  /** Empty, and nobody else's. */
  queue: EventQueue;
  /** The same queue, as another process has it. */
  another: () => Promise<EventQueue>;
  close: () => Promise<void>;
};

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);

/**
 * What every event queue does. Time only goes forward within a test, so that a queue with a clock of its own can be
 * wound along. A receive may answer fewer messages than there are, as SQS does.
 */
export function describeEventQueue(name: string, open: (maxReceiveCount: number) => Promise<OpenQueue>): void {
  async function openQueue(maxReceiveCount = 1_000) {
    const opened = await open(maxReceiveCount);
    onTestFinished(opened.close);
    return opened;
  }

  describe(`an event queue (${name})`, () => {
    describe("sending", () => {
      test("answers an id per message, in order, also for equal ones", async () => {
        const { queue } = await openQueue();
        const ids = await queue.send(["first", "second", "first"], start);
        expect(new Set(ids).size).toBe(3);
        const received = await drain(queue, start);
        expect(new Map(received.map(({ messageId, body }) => [messageId, body]))).toEqual(
          new Map([
            [ids[0], "first"],
            [ids[1], "second"],
            [ids[2], "first"],
          ]),
        );
      });

      test.each([
        ["any character", "Ærø 日本 👩‍👩‍👧 \u2028 \\u0000 \" ' \t\r\n é e\u0301"],
        ["spaces around it", "  {}\n"],
        ["a megabyte", "é".repeat(524_288)],
      ])("keeps a body with %s as it is", async (_what, body) => {
        const { queue } = await openQueue();
        await queue.send([body], start);
        const [received] = await drain(queue, start);
        expect(received?.body === body).toBe(true);
      });

      test("keeps the time of each send", async () => {
        const { queue } = await openQueue();
        await queue.send(["early"], plus(1));
        await queue.send(["late"], plus(1_234));
        const sentAt = (await drain(queue, plus(2_000))).map((message) => [message.body, message.sentAt]);
        expect(new Map(sentAt as [string, Date][])).toEqual(
          new Map([
            ["early", plus(1)],
            ["late", plus(1_234)],
          ]),
        );
      });

      test("nothing is no error", async () => {
        const { queue } = await openQueue();
        expect(await queue.send([], start)).toEqual([]);
        await queue.delete([]);
        expect(await queue.depth(start)).toEqual({ visible: 0, inFlight: 0, dead: 0 });
      });

      test("sending from many at once loses nothing", async () => {
        const { queue, another } = await openQueue();
        const queues = [queue, await another()];
        const sends = Array.from({ length: 40 }, (_, n) => queues[n % 2]?.send([`${n} a`, `${n} b`], start));
        const ids = (await Promise.all(sends)).flatMap((answer) => answer ?? []);
        const received = await drain(queue, start);
        expect(received.map(({ messageId }) => messageId).sort()).toEqual(ids.sort());
      });
    });

    describe("a received message", () => {
      test("has its place among those of its moment, if any, in the order of sending and at every receive", async () => {
        const { queue } = await openQueue();
        await queue.send(["first", "second"], start);
        await queue.send(["third", "fourth"], start);
        const placesAt = async (now: Date) =>
          (await drain(queue, now, 1_000)).map(({ body, sequence }) => ({ body, sequence }));
        const told = (await placesAt(start)).toSorted((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
        expect(told).toHaveLength(4);
        if (told.some(({ sequence }) => sequence !== undefined)) {
          expect(told.map(({ body }) => body)).toEqual(["first", "second", "third", "fourth"]);
        }
        expect(await placesAt(plus(1_000))).toEqual(expect.arrayContaining(told));
      });

      test("is hidden for its visibility, then comes again, counted", async () => {
        const { queue } = await openQueue();
        const [messageId] = await queue.send(["once"], start);
        const [first] = await queue.receive(10, 5_000, start);
        expect(first).toMatchObject({ messageId, body: "once", sentAt: start, receiveCount: 1 });
        expect(await drain(queue, plus(4_999))).toEqual([]);
        const [second] = await drain(queue, plus(5_000));
        expect(second).toMatchObject({ messageId, body: "once", sentAt: start, receiveCount: 2 });
        expect(second?.receiptHandle).not.toBe(first?.receiptHandle);
      });

      test("is gone for good once deleted", async () => {
        const { queue } = await openQueue();
        await queue.send(["gone", "gone too", "kept"], start);
        const received = await drain(queue, start);
        await queue.delete(received.filter(({ body }) => body !== "kept").map(handleOf));
        expect(bodies(await drain(queue, plus(60_000)))).toEqual(["kept"]);
      });

      test("can be deleted twice, and together with others", async () => {
        const { queue } = await openQueue();
        await queue.send(["one", "two"], start);
        const [one, two] = await drain(queue, start);
        await queue.delete([handleOf(one)]);
        await queue.delete([handleOf(one), handleOf(two)]);
        expect(await drain(queue, plus(60_000))).toEqual([]);
      });

      test("isn't deleted by the handle of an earlier receive", async () => {
        const { queue } = await openQueue();
        await queue.send(["kept"], start);
        const [early] = await queue.receive(1, 1_000, start);
        const [late] = await drain(queue, plus(1_000), 1_000);
        await queue.delete([handleOf(early)]);
        expect(bodies(await drain(queue, plus(2_000)))).toEqual(["kept"]);
        expect(late?.receiveCount).toBe(2);
      });

      test("isn't revealed or hidden by the handle of an earlier receive", async () => {
        const { queue } = await openQueue();
        await queue.send(["one"], start);
        const [early] = await queue.receive(1, 1_000, start);
        expect(await drain(queue, plus(1_000), 5_000)).toHaveLength(1);
        await queue.changeVisibility(handleOf(early), 0, plus(1_000));
        expect(await drain(queue, plus(5_999))).toEqual([]);
        await queue.changeVisibility(handleOf(early), 60_000, plus(5_999));
        expect(await drain(queue, plus(6_000))).toHaveLength(1);
      });

      test("comes again at once when its visibility is set to nothing", async () => {
        const { queue } = await openQueue();
        await queue.send(["one"], start);
        const [message] = await queue.receive(1, 60_000, start);
        await queue.changeVisibility(handleOf(message), 0, plus(1));
        expect(await drain(queue, plus(1))).toMatchObject([{ body: "one", receiveCount: 2 }]);
      });

      test("stays hidden for longer, or for less, when its visibility is changed", async () => {
        const { queue } = await openQueue();
        await queue.send(["longer", "less"], start);
        const received = await drain(queue, start, 10_000);
        for (const message of received) {
          await queue.changeVisibility(handleOf(message), message.body === "longer" ? 15_000 : 2_000, plus(4_000));
        }
        expect(await drain(queue, plus(5_999))).toEqual([]);
        expect(bodies(await drain(queue, plus(6_000), 60_000))).toEqual(["less"]);
        expect(await drain(queue, plus(18_999), 60_000)).toEqual([]);
        expect(bodies(await drain(queue, plus(19_000)))).toEqual(["longer"]);
      });

      test("leaves a deleted message deleted when its visibility is changed", async () => {
        const { queue } = await openQueue();
        await queue.send(["gone"], start);
        const [message] = await queue.receive(1, 60_000, start);
        await queue.delete([handleOf(message)]);
        await queue.changeVisibility(handleOf(message), 0, start);
        expect(await drain(queue, plus(60_000))).toEqual([]);
      });
    });

    describe("receiving", () => {
      test.each([1, 2, 10])("takes at most %i messages where so many are asked for", async (max) => {
        const { queue } = await openQueue();
        await queue.send(
          Array.from({ length: 12 }, (_, n) => `${n}`),
          start,
        );
        const received = await queue.receive(max, 60_000, start);
        expect(received.length).toBeGreaterThan(0);
        expect(received.length).toBeLessThanOrEqual(max);
      });

      test("an empty queue answers nothing", async () => {
        const { queue } = await openQueue();
        expect(await queue.receive(10, 1_000, start)).toEqual([]);
      });

      test("receiving by many at once gives each message to one of them", async () => {
        const { queue, another } = await openQueue();
        const queues = [queue, await another()];
        const ids = await queue.send(
          Array.from({ length: 60 }, (_, n) => `${n}`),
          start,
        );
        const receives = Array.from({ length: 20 }, (_, n) => queues[n % 2]?.receive(5, 60_000, start));
        const received = (await Promise.all(receives)).flatMap((answer) => answer ?? []);
        received.push(...(await drain(queue, start)));
        expect(received.map(({ messageId }) => messageId).sort()).toEqual(ids.sort());
      });
    });

    describe("a message received as often as the queue allows", () => {
      test("goes to the dead-letter queue instead of coming again; others come", async () => {
        const { queue } = await openQueue(3);
        await queue.send(["poison"], start);
        for (const [n, count] of [1, 2, 3].entries()) {
          expect(await drain(queue, plus(n * 1_000), 1_000)).toMatchObject([{ body: "poison", receiveCount: count }]);
        }
        await queue.send(["sound"], plus(3_000));
        expect(bodies(await drain(queue, plus(3_000)))).toEqual(["sound"]);
        expect(await queue.depth(plus(3_000))).toEqual({ visible: 0, inFlight: 1, dead: 1 });
      });

      test("can still be deleted while its last receive hides it", async () => {
        const { queue } = await openQueue(1);
        await queue.send(["saved"], start);
        const [message] = await queue.receive(1, 1_000, start);
        await queue.delete([handleOf(message)]);
        expect(await drain(queue, plus(1_000))).toEqual([]);
        expect(await queue.depth(plus(1_000))).toEqual({ visible: 0, inFlight: 0, dead: 0 });
      });

      test("stays in the dead-letter queue, whatever is done with its last handle", async () => {
        const { queue } = await openQueue(1);
        await queue.send(["poison"], start);
        const [message] = await queue.receive(1, 1_000, start);
        expect(await drain(queue, plus(1_000))).toEqual([]);
        await queue.changeVisibility(handleOf(message), 0, plus(1_000));
        await queue.delete([handleOf(message)]);
        expect(await drain(queue, plus(60_000))).toEqual([]);
        expect(await queue.depth(plus(60_000))).toEqual({ visible: 0, inFlight: 0, dead: 1 });
      });
    });

    test("depth tells messages that wait from those in flight", async () => {
      const { queue } = await openQueue();
      await queue.send(["a", "b", "c"], start);
      const [message] = await queue.receive(1, 1_000, start);
      expect(await queue.depth(start)).toEqual({ visible: 2, inFlight: 1, dead: 0 });
      expect(await queue.depth(plus(999))).toEqual({ visible: 2, inFlight: 1, dead: 0 });
      expect(await queue.depth(plus(1_000))).toEqual({ visible: 3, inFlight: 0, dead: 0 });
      await queue.delete([handleOf(message)]);
      expect(await queue.depth(plus(1_000))).toEqual({ visible: 2, inFlight: 0, dead: 0 });
    });

    test("loses nothing and gives nothing out twice within its visibility, whatever is done", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 40 }),
          fc.integer({ min: 1, max: 4 }),
          async (steps, maxReceives) => {
            const { queue, close } = await open(maxReceives);
            try {
              const model = queueModel(queue, maxReceives, start);
              for (const run of steps) await run(model);
              await model.comesToRest();
            } finally {
              await close();
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  });
}

type Step = (model: ReturnType<typeof queueModel>) => Promise<void>;

const visibilityMs = fc.integer({ min: 0, max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.array(fc.string(), { minLength: 1, maxLength: 4 }).map(
    (sent): Step =>
      (model) =>
        model.send(sent),
  ),
  fc.tuple(fc.integer({ min: 1, max: 5 }), visibilityMs).map(
    ([max, ms]): Step =>
      (model) =>
        model.receive(max, ms),
  ),
  fc.array(fc.nat(), { maxLength: 3 }).map(
    (picks): Step =>
      (model) =>
        model.delete(picks),
  ),
  fc.tuple(fc.nat(), visibilityMs).map(
    ([pick, ms]): Step =>
      (model) =>
        model.changeVisibility(pick, ms),
  ),
  fc.integer({ min: 0, max: 10 }).map(
    (ms): Step =>
      (model) =>
        model.wait(ms),
  ),
);

/** Receives until nothing more comes. One empty answer proves nothing: SQS may look at a part of the queue only. */
async function drain(queue: EventQueue, now: Date, visibilityMs = 60_000): Promise<ReceivedMessage[]> {
  const received: ReceivedMessage[] = [];
  for (let empty = 0; empty < 2; ) {
    const messages = await queue.receive(10, visibilityMs, now);
    received.push(...messages);
    empty = messages.length === 0 ? empty + 1 : 0;
  }
  return received;
}

function handleOf(message: ReceivedMessage | undefined): string {
  if (message === undefined) throw new Error("no message was received");
  return message.receiptHandle;
}

function bodies(messages: readonly ReceivedMessage[]): string[] {
  return messages.map(({ body }) => body).sort();
}
