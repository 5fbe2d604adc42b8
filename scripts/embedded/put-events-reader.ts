import { Worker } from "node:worker_threads";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { aroundDetail } from "../../shared/domain/events/event-entry.ts";
import type { Answer } from "./answer.ts";
import type { Arrival } from "./arrival.ts";
import { type PutEventsReader, type PutEventsReading, readPutEvents } from "./read-put-events.ts";

/** Messages are arrays: they are taken apart and put together again, names and all. */
export type Asked = [body: ArrayBuffer, nowMs: number];
export type Told = [answer: Answer, arrivals: ReadArrival[], unknownBuses: string[]];
type ReadArrival = [
  id: string,
  source: string,
  detailType: string,
  time: string,
  resources: string[],
  body: string,
  payloadHash: string,
  metadata: unknown,
];

type Request = { body: Uint8Array<ArrayBuffer>; nowMs: number; tell: (told: Told | undefined) => void };

/** Requests that follow each other as closely are worth a thread; one alone is read sooner without. */
const CLOSE_MS = 2;

const THREAD = new URL("./put-events-thread.ts", import.meta.url);

/** How long all is read here after the thread has ended or couldn't start: the machine is in trouble then. */
const PAUSE_MS = 10_000;

export type ReaderOptions = {
  newId: () => string;
  onError: (error: unknown) => void;
  /** Milliseconds. Default: `performance.now()`. */
  clock?: () => number;
  /** What its thread runs. Default: `put-events-thread.ts`. */
  file?: URL;
};

/**
 * Reads PutEvents requests in a thread of its own while they come closely: to parse, check and hash them is a seventh of
 * what the server's main thread has to do for an event. What was read there has its detail parsed again only where
 * somebody looks at it. Requests are read in the order in which they come.
 */
export function putEventsReader({ newId, onError, clock = () => performance.now(), file = THREAD }: ReaderOptions) {
  /** What is asked next, and what was asked together before that and isn't answered. */
  let together: Request[] = [];
  let asked: Request[][] = [];
  let thread: Worker | undefined;
  let isReady = false;
  let last = Number.NEGATIVE_INFINITY;
  let pausedUntil = Number.NEGATIVE_INFINITY;

  /** Undefined where the machine has no thread left, or no memory for one. */
  function start(): Worker | undefined {
    let started: Worker;
    try {
      started = new Worker(file);
    } catch (error) {
      pausedUntil = clock() + PAUSE_MS;
      const why = error instanceof Error ? error.message : String(error);
      const rest = "Requests are read without it, which is slower. See what limits this user's threads and memory.";
      onError(new TurnoutError("failed", `The thread that reads requests couldn't be started: ${why}. ${rest}`));
      return undefined;
    }
    started.unref();
    started.on("message", (told: Told[]) => {
      // The first thing that it says answers nothing.
      if (isReady) asked.shift()?.forEach(({ tell }, index) => void tell(told[index]));
      isReady = true;
    });
    started.on("error", onError);
    started.on("exit", () => {
      thread = undefined;
      isReady = false;
      pausedUntil = Math.max(pausedUntil, clock() + PAUSE_MS);
      const unanswered = [...asked, together].flat();
      [asked, together] = [[], []];
      for (const { tell } of unanswered) tell(undefined);
    });
    return started;
  }

  /** What has come in one turn is asked together: to wake a thread costs as much as to read an event. */
  function ask(): void {
    if (together.length === 0) return;
    const bodies = together.map(({ body }) => body.buffer);
    thread?.postMessage(
      together.map(({ body, nowMs }): Asked => [body.buffer, nowMs]),
      bodies,
    );
    asked.push(together);
    together = [];
  }

  /** Undefined: the thread has ended. */
  function askThread(body: Buffer, now: Date): Promise<Told | undefined> {
    return new Promise((tell) => {
      if (together.length === 0) setImmediate(ask);
      // A copy: it may be part of a buffer that others have parts of.
      together.push({ body: new Uint8Array(body), nowMs: now.getTime(), tell });
    });
  }

  const read: PutEventsReader = async (body, now) => {
    const at = clock();
    const isClose = at - last < CLOSE_MS || asked.length > 0 || together.length > 0;
    last = at;
    if (isClose && at >= pausedUntil) thread ??= start();
    const told = isClose && thread !== undefined && isReady ? await askThread(body, now) : undefined;
    return told === undefined ? readPutEvents(body, now, newId) : readingOf(told);
  };
  return {
    read,
    /** Ends the thread. What it hasn't answered is read here, as all is from then on. */
    async close() {
      pausedUntil = Number.POSITIVE_INFINITY;
      await thread?.terminate();
    },
  };
}

function readingOf([answer, arrivals, unknownBuses]: Told): PutEventsReading {
  return { answer, arrivals: arrivals.map(toldArrival), unknownBuses };
}

function toldArrival([id, source, detailType, time, resources, body, payloadHash, metadata]: ReadArrival): Arrival {
  let parsed: { detail: Record<string, unknown> } | undefined;
  const event = {
    ...aroundDetail({ id, source, detailType, time, resources }),
    get detail() {
      parsed ??= JSON.parse(body) as { detail: Record<string, unknown> };
      return parsed.detail;
    },
  };
  return { event, body, payloadHash, metadata };
}
