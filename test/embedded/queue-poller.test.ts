import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type QueuePoller, type QueuePollerOptions, startQueuePoller } from "../../scripts/embedded/queue-poller.ts";
import { simulatedQueue } from "../simulation/simulated-queue.ts";
import { type SimulatedTime, simulatedTime } from "../simulation/simulated-time.ts";
import { eventually, nextTurn, portCalls, surrounded } from "../support/port-calls.ts";

const allGood: SQSBatchResponse = { batchItemFailures: [] };
const methods = ["receive", "delete", "changeVisibility"] as const;

/** A queue poller on a queue in memory. Batches wait until the test answers them, unless `handler` says otherwise. */
function aPoller(options: Partial<QueuePollerOptions> = {}) {
  const time = simulatedTime();
  const queue = simulatedQueue();
  const calls = portCalls();
  const batches: { bodies: string[]; event: SQSEvent; end: (answer: SQSBatchResponse | Error) => void }[] = [];
  const errors: unknown[] = [];
  const handler: QueuePollerOptions["handler"] = (event) => {
    const { promise, resolve, reject } = Promise.withResolvers<SQSBatchResponse>();
    const end = (answer: SQSBatchResponse | Error) => (answer instanceof Error ? reject(answer) : resolve(answer));
    batches.push({ bodies: event.Records.map(({ body }) => body), event, end });
    return promise;
  };
  const start = () => {
    const poller = startQueuePoller({
      name: "turnout-router",
      queue: surrounded(queue, methods, calls.around),
      handler,
      now: time.now,
      delay: time.delay,
      random: () => 0.9,
      onError: (error) => void errors.push(error),
      // Never by itself within a test.
      pollMs: 2 ** 31 - 1,
      ...options,
    });
    onTestFinished(async () => {
      for (const { end } of batches) end(allGood);
      await poller.stop();
    });
    return poller;
  };
  const send = (...bodies: string[]) => queue.send(bodies, time.now());
  /** Per message, in how many ms it is visible again. */
  const hiddenFor = () =>
    Object.fromEntries(Object.entries(queue.visibleAt()).map(([id, at]) => [id, at - time.now().getTime()]));
  return { start, time, queue, calls, batches, errors, send, hiddenFor };
}

const bodiesOf = (batches: { bodies: string[] }[]) => batches.map(({ bodies }) => bodies);

describe("the embedded queue poller", () => {
  it("hands over what is in the queue as SQS would, hidden meanwhile, and deletes it when it succeeded", async () => {
    const { start, send, batches, time, hiddenFor, calls } = aPoller({ visibilityMs: 60_000 });
    await send("a", "b");
    const sent = String(time.now().getTime());
    await time.pass(5);
    start();
    await eventually(() => batches.length === 1);
    expect(batches[0]?.event.Records).toMatchObject([
      {
        messageId: "message-1",
        body: "a",
        attributes: { ApproximateReceiveCount: "1", SentTimestamp: sent },
        eventSource: "aws:sqs",
      },
      { messageId: "message-2", body: "b" },
    ]);
    expect(hiddenFor()).toEqual({ "message-1": 60_000, "message-2": 60_000 });
    batches[0]?.end(allGood);
    await eventually(() => Object.keys(hiddenFor()).length === 0);
    expect(calls.made.filter((call) => call === "delete")).toHaveLength(1);
  });

  it("deletes only what succeeded of a batch, and leaves the rest hidden as the handler left it", async () => {
    const { start, send, batches, queue, time, hiddenFor } = aPoller();
    await send("a", "b");
    start();
    await eventually(() => batches.length === 1);
    await queue.changeVisibility(batches[0]?.event.Records[1]?.receiptHandle ?? "", 700, time.now());
    batches[0]?.end({ batchItemFailures: [{ itemIdentifier: "message-2" }] });
    await eventually(() => Object.keys(hiddenFor()).length === 1);
    expect(hiddenFor()).toEqual({ "message-2": 700 });
  });

  it("deletes nothing when all of a batch has to come back", async () => {
    const { start, send, batches, calls } = aPoller();
    await send("a");
    const poller = start();
    await eventually(() => batches.length === 1);
    batches[0]?.end({ batchItemFailures: [{ itemIdentifier: "message-1" }] });
    await poller.stop();
    expect(calls.made).not.toContain("delete");
  });

  it("brings the messages of a failed batch back, after longer each time", async () => {
    const { start, send, batches, errors, time, hiddenFor } = aPoller();
    await send("a", "b");
    const poller = start();
    const waits: unknown[] = [];
    for (let failure = 1; failure <= 7; failure++) {
      await eventually(() => batches.length === failure);
      batches[failure - 1]?.end(new Error("the store is away"));
      await eventually(() => errors.length === failure && (hiddenFor()["message-2"] ?? 0) <= 30_000);
      const { "message-1": wait = 0 } = hiddenFor();
      waits.push(wait);
      await time.pass(wait);
      poller.wake();
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(bodiesOf(batches).every((bodies) => bodies.join() === "a,b")).toBe(true);
  });

  it("deletes what a handler has finished once the queue takes it, and hands it to nobody meanwhile", async () => {
    const { start, send, batches, calls, errors, hiddenFor, time } = aPoller({ visibilityMs: 60_000 });
    await send("a");
    for (let tries = 0; tries < 20; tries++) calls.fail("delete");
    start();
    await eventually(() => batches.length === 1);
    batches[0]?.end(allGood);
    await passing(time, 30);
    expect([Object.keys(hiddenFor()), batches.length, errors]).toEqual([[], 1, []]);
  });

  it("brings a failed batch back as soon as the queue takes it, and not when its visibility ends", async () => {
    const { start, send, batches, calls, time } = aPoller();
    await send("a", "b", "c");
    for (let tries = 0; tries < 40; tries++) calls.fail("changeVisibility");
    const poller = start();
    await eventually(() => batches.length === 1);
    batches[0]?.end(new Error("the store is away"));
    await passing(time, 30);
    poller.wake();
    await eventually(() => batches.length === 2);
    expect(bodiesOf(batches)[1]).toEqual(["a", "b", "c"]);
  });

  it("gives up what it can't write when it is stopped, after one more try", async () => {
    const { start, send, batches, calls, time, errors } = aPoller();
    await send("a");
    for (let tries = 0; tries < 9; tries++) calls.fail("delete");
    const poller = start();
    await eventually(() => batches.length === 1);
    batches[0]?.end(allGood);
    await turns();
    const stopped = poller.stop();
    await passing(time, 2);
    await stopped;
    expect(errors).toMatchObject([{ message: "delete failed" }]);
  });

  it("takes batches until as many messages as it may are in its hands, and more when some are done", async () => {
    const { start, send, batches } = aPoller({ batchSize: 2, maxInFlight: 5 });
    await send("a", "b", "c", "d", "e", "f", "g", "h");
    start();
    await eventually(() => batches.length === 3);
    await turns();
    expect(bodiesOf(batches)).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    batches[2]?.end(allGood);
    await turns();
    expect(batches).toHaveLength(3);
    batches[1]?.end(allGood);
    await eventually(() => batches.length > 3);
    await turns();
    expect(bodiesOf(batches).slice(3)).toEqual([["f", "g"], ["h"]]);
  });

  it("takes smaller batches where it may hold less than one", async () => {
    const { start, send, batches } = aPoller({ batchSize: 10, maxInFlight: 2 });
    await send("a", "b", "c");
    start();
    await eventually(() => batches.length === 1);
    expect(bodiesOf(batches)).toEqual([["a", "b"]]);
    batches[0]?.end(allGood);
    await eventually(() => batches.length === 2);
    expect(bodiesOf(batches)[1]).toEqual(["c"]);
  });

  it.each(["before", "after"] as const)(
    "looks again when it was woken %s it had looked but before it had an answer",
    async (when) => {
      const { start, send, batches, calls } = aPoller();
      const look = calls.hold("receive", when);
      const poller = start();
      await eventually(look.reached);
      await send("a");
      poller.wake();
      look.release();
      await eventually(() => batches.length === 1);
      expect(bodiesOf(batches)).toEqual([["a"]]);
    },
  );

  it("doesn't look again by itself at a queue that was empty", async () => {
    const { start, calls } = aPoller();
    const poller = start();
    await turns();
    poller.wake();
    await turns();
    expect(calls.made).toEqual(["receive", "receive"]);
  });

  it("goes on a second after a look that failed", async () => {
    const { start, send, batches, calls, errors, time } = aPoller();
    calls.fail("receive");
    const poller = start();
    await eventually(() => errors.length === 1);
    await send("a");
    poller.wake();
    await turns();
    expect(calls.made).toEqual(["receive"]);
    await time.pass(1_000);
    poller.wake();
    await eventually(() => batches.length === 1);
  });

  it("looks at the queue every so often, for what other processes put there", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { start, send, batches, calls } = aPoller({ pollMs: 50 });
    const poller = start();
    await turns();
    await send("a");
    vi.advanceTimersByTime(49);
    await turns();
    expect(batches).toEqual([]);
    vi.advanceTimersByTime(1);
    await eventually(() => batches.length === 1);
    batches[0]?.end(allGood);

    await poller.stop();
    calls.since();
    vi.advanceTimersByTime(1_000);
    await turns();
    expect([calls.made, vi.getTimerCount()]).toEqual([[], 0]);
  });
});

describe("stopping the embedded queue poller", () => {
  it("waits for the batches that are running, and for what they have to delete", async () => {
    const { start, send, batches, hiddenFor } = aPoller();
    await send("a");
    const poller = start();
    await eventually(() => batches.length === 1);
    let stopped = false;
    const stopping = poller.stop().then(() => {
      stopped = true;
    });
    await turns();
    expect(stopped).toBe(false);
    batches[0]?.end(allGood);
    await stopping;
    expect(hiddenFor()).toEqual({});
  });

  it("handles what it was just taking, and takes nothing more", async () => {
    const { start, send, batches, calls, hiddenFor } = aPoller();
    await send("a");
    const taking = calls.hold("receive", "after");
    const poller = start();
    await eventually(taking.reached);
    let stopped = false;
    const stopping = poller.stop().then(() => {
      stopped = true;
    });
    await send("b");
    await turns();
    expect(stopped).toBe(false);
    taking.release();
    await eventually(() => batches.length === 1);
    poller.wake();
    batches[0]?.end(allGood);
    await stopping;
    await turns();
    expect(bodiesOf(batches)).toEqual([["a"]]);
    expect(hiddenFor()).toEqual({ "message-2": 0 });
  });

  it("ends also when the last batch fails", async () => {
    const { start, send, batches, errors, hiddenFor } = aPoller();
    await send("a");
    const poller = start();
    await eventually(() => batches.length === 1);
    const stopping = poller.stop();
    batches[0]?.end(new Error("the store is away"));
    await stopping;
    expect([errors.length, hiddenFor()]).toEqual([1, { "message-1": 1_000 }]);
  });
});

/** Long enough for whatever could go on to have gone on. */
/** Seconds that go by one by one, so that what waits for them is asked again in between. */
async function passing(time: SimulatedTime, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await turns();
    await time.pass(1_000);
  }
  await turns();
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

describe("work on messages that aren't in the queue", () => {
  /** Work of so many messages that the test ends. */
  function begin({ run }: Pick<QueuePoller, "run">, messages: number) {
    const { promise, resolve: end } = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const work = () => {
      begun.resolve();
      return promise;
    };
    return { answer: Promise.resolve(run(messages, work)), begun: begun.promise, end };
  }
  /** Of eight, six may be anybody's. */
  const small = { maxInFlight: 8, batchSize: 2 };

  it("begins as soon as those before it have made room, in the order in which it was asked for", async () => {
    const { start } = aPoller(small);
    const poller = start();
    const [first, second, third] = [begin(poller, 6), begin(poller, 4), begin(poller, 2)];
    const order: string[] = [];
    void second.begun.then(() => order.push("second"));
    void third.begun.then(() => order.push("third"));
    await nextTurn();
    expect(order).toEqual([]);
    first.end();
    expect(await Promise.all([first.answer, second.answer, third.answer])).toEqual([true, true, true]);
    expect(order).toEqual(["second", "third"]);
    for (const { end } of [second, third]) end();
  });

  it("isn't begun where none makes room within a moment, and doesn't hold up who comes after it", async () => {
    const { start, time } = aPoller(small);
    const poller = start();
    const [first, second] = [begin(poller, 4), begin(poller, 4)];
    const third = begin(poller, 2);
    await time.pass(25);
    expect(await Promise.all([first.answer, second.answer, third.answer])).toEqual([true, false, false]);
    const fourth = begin(poller, 2);
    expect(await fourth.answer).toBe(true);
    for (const { end } of [first, fourth]) end();
  });

  it("makes room for what is in the queue, which isn't looked at where nothing had to wait", async () => {
    const { start, send, batches, calls } = aPoller(small);
    const poller = start();
    await eventually(() => calls.made.length === 1);
    const first = begin(poller, 6);
    first.end();
    await nextTurn();
    expect(calls.made).toEqual(["receive"]);
    const second = begin(poller, 6);
    await send("a", "b", "c", "d");
    poller.wake();
    await nextTurn();
    const before = batches.length;
    second.end();
    await eventually(() => batches.length > before);
    expect(bodiesOf(batches).flat().toSorted()).toEqual(["a", "b", "c", "d"]);
  });

  it("isn't waited with where there is never so much room", async () => {
    const { start } = aPoller(small);
    expect(await begin(start(), 7).answer).toBe(false);
  });

  it("is waited for by a poller that is stopped, which begins none that waits", async () => {
    const { start, time } = aPoller(small);
    const poller = start();
    const [first, second] = [begin(poller, 6), begin(poller, 2)];
    let stopped = false;
    const stopping = poller.stop().then(() => {
      stopped = true;
    });
    await nextTurn();
    expect(stopped).toBe(false);
    first.end();
    await stopping;
    await time.pass(25);
    expect(await second.answer).toBe(false);
    expect(await begin(poller, 1).answer).toBe(false);
  });
});
