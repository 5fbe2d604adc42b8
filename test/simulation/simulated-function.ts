import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { sqsRecord } from "../../scripts/embedded/sqs-record.ts";
import type { ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { between } from "./chance.ts";
import { InjectedFault } from "./faults.ts";
import type { Batch, History } from "./history.ts";
import { SECOND } from "./scenario.ts";
import { type SimulatedProcess, type Surroundings, simulatedProcess } from "./simulated-process.ts";
import type { StandardQueue } from "./standard-queue.ts";

const QUEUE = { senderId: "bus", queueArn: "arn:aws:sqs:eu-west-1:123456789012:turnout-live", region: "eu-west-1" };

export type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

export type FunctionOptions = {
  name: string;
  queue: StandardQueue;
  /** Environments that work at the same time, each on one batch. */
  concurrency: number;
  batchSize: number;
  /** After this long a batch is cut off, and its environment ends. */
  timeoutMs: number;
  skewMs: number;
  /** Makes what an environment holds: called once for each, as a function's module is loaded. */
  load: (process: SimulatedProcess, batchOf: () => Batch | undefined) => Handler;
  /** Takes no messages before this true time. */
  from?: number;
  /** The event source deletes what it receives at once: a control. */
  deletesOnReceive?: boolean;
};

type Slot = { number: number; environments: number; process?: SimulatedProcess; handler?: Handler; batch?: Batch };

/** Time that a new environment takes to begin. */
const COLD_START_MS = 300;

/** A Lambda function with its event source: takes batches from a queue, calls the handler, deletes what succeeded. */
export function simulatedFunction(surroundings: Surroundings, history: History, options: FunctionOptions) {
  const { time, chance, faults } = surroundings;
  const { name, queue, timeoutMs, skewMs, from = 0 } = options;
  const visibilityMs = 6 * timeoutMs;
  const slots = Array.from({ length: options.concurrency }, (_, number): Slot => ({ number, environments: 0 }));

  function environment(slot: Slot): { process: SimulatedProcess; handler: Handler } {
    const id = `${name} ${slot.number + 1}.${++slot.environments}`;
    const clockMs = skewMs === 0 ? 0 : between(chance(`${id} clock`), -skewMs, skewMs);
    history.maxClockMs = Math.max(history.maxClockMs, clockMs);
    const process = simulatedProcess(surroundings, id, clockMs);
    return { process, handler: options.load(process, () => slot.batch) };
  }

  /** Gives every idle environment a batch, if there are messages. */
  function pump(): void {
    if (time.now() < from) return void time.at(from, pump);
    for (const slot of slots) {
      if (slot.batch !== undefined) continue;
      const messages = queue.receive(options.batchSize, visibilityMs);
      if (messages.length === 0) return;
      const [first] = messages;
      const batch: Batch = {
        id: `${name} on ${first?.messageId}/${first?.receiveCount}`,
        process: slot.process?.id ?? "",
        startedAt: time.now(),
        messages: messages.map(({ messageId, receiveCount }) => `${messageId}/${receiveCount}`),
        hits: 0,
      };
      slot.batch = batch;
      if (options.deletesOnReceive) queue.delete(messages.map(({ receiptHandle }) => receiptHandle));
      history.batches.push(batch);
      void work(slot, batch, messages).then(() => {
        delete slot.batch;
        pump();
      });
    }
  }

  async function work(slot: Slot, batch: Batch, messages: ReceivedMessage[]): Promise<void> {
    if (slot.process === undefined || slot.handler === undefined) {
      await time.delay(COLD_START_MS);
      Object.assign(slot, environment(slot));
      batch.startedAt = time.now();
    }
    const { process, handler } = slot;
    if (process === undefined || handler === undefined) throw new Error(`${name} has no environment`);
    batch.process = process.id;
    const hits = process.hits();
    process.begin(batch.id);
    const endsAt = time.now() + timeoutMs;
    const context = { getRemainingTimeInMillis: () => endsAt - time.now() } as Context;
    time.at(endsAt, () => {
      if (slot.batch !== batch || batch.how !== undefined || process.hasEnded()) return;
      faults.note(batch.id, "function timed out");
      process.end("function timed out");
    });
    const ended = await Promise.race([
      handler({ Records: messages.map((message) => sqsRecord(message, QUEUE)) }, context).then(
        (response) => ({ how: "finished" as const, response }),
        (error: unknown) => ({ how: "failed" as const, error }),
      ),
      process.ending.then((how) => ({ how })),
    ]);
    batch.endedAt = time.now();
    batch.how = ended.how;
    batch.hits = process.hits() - hits;
    if (process.hasEnded()) {
      delete slot.process;
      delete slot.handler;
      await time.delay(COLD_START_MS);
    }
    if (ended.how === "failed" && !(ended.error instanceof InjectedFault)) {
      history.surprises.push({ at: time.now(), error: ended.error });
    }
    if (ended.how === "finished") await deleteFinished(batch, messages, ended.response);
  }

  async function deleteFinished(batch: Batch, messages: ReceivedMessage[], response: SQSBatchResponse): Promise<void> {
    const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const finished = messages.filter(({ messageId }) => !failed.has(messageId));
    if (finished.length === 0) return;
    await time.delay(between(chance(`${batch.id} deletes`), 1, 20));
    if (faults.strike(`${batch.id} deletes`, { "delete lost": 0.02 }) !== undefined) return;
    queue.delete(finished.map(({ receiptHandle }) => receiptHandle));
  }

  if (from > time.now()) time.at(from, pump);
  return { pump, isIdle: () => slots.every(({ batch }) => batch === undefined) };
}

export type SimulatedFunction = ReturnType<typeof simulatedFunction>;

/** A function that a schedule calls, each time in an environment of its own. */
export function simulatedSchedule(
  surroundings: Surroundings,
  history: History,
  options: {
    name: string;
    everyMs: number;
    timeoutMs: number;
    skewMs: number;
    run: (process: SimulatedProcess) => Promise<void>;
  },
) {
  const { time, chance, faults } = surroundings;
  const { name, everyMs, timeoutMs, skewMs, run } = options;
  let calls = 0;
  let running = 0;

  function call(): void {
    time.at(time.now() + everyMs, call);
    const id = `${name} ${++calls}`;
    const clockMs = skewMs === 0 ? 0 : between(chance(`${id} clock`), -skewMs, skewMs);
    const process = simulatedProcess(surroundings, id, clockMs);
    running += 1;
    const work = run(process).catch((error: unknown) => {
      if (!(error instanceof InjectedFault)) history.surprises.push({ at: time.now(), error });
    });
    let over = false;
    void Promise.race([work, process.ending]).then(() => {
      over = true;
      running -= 1;
    });
    time.at(time.now() + timeoutMs, () => {
      if (over) return;
      faults.note(id, "function timed out");
      process.end("function timed out");
    });
  }

  time.at(time.now() + between(chance(`${name} begins`), 0, 60) * SECOND, call);
  return { isIdle: () => running === 0 };
}
