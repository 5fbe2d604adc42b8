import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import { MAX_STACK_CHARS } from "../../domain/deliveries/ledger-rules.ts";
import { deadlineTimer } from "./deadline-timer.ts";
import { isOutOfMemory, limitsOf, outOfMemory, threadMemory } from "./thread-memory.ts";
import { durationOf, threadProgress } from "./thread-progress.ts";
import { failureIn, parseReply } from "./thread-reply.ts";
import { followingTurn, threadTurn } from "./thread-turn.ts";
import type { WorkerLog } from "./worker-log.ts";
import type { Failure, Invocation, Invocations, Stop, WorkerCode, WorkerData } from "./worker-thread.ts";

/** A thread that was told to end and hasn't by then can't be interrupted; whoever waits for it is told all the same. */
const END_GRACE_MS = 1_000;

const STOPPED: Failure = { type: "Sandbox.Stopped", message: "Turnout was stopped before the event was done" };

export type SandboxOptions = {
  code: WorkerCode;
  /** How long loading the module may take. */
  initTimeoutMs: number;
  log: Pick<WorkerLog, "take" | "note">;
  now: () => Date;
  /** Told when the thread was told to end, and can't be interrupted. */
  onStuck: () => void;
};

export type ThreadResult =
  | { outcome: "done"; durationMs: number }
  | { outcome: "failed"; durationMs: number; error: DeliveryError }
  /** The thread ended for a reason of its own before it had looked at the event. */
  | { outcome: "not begun" };

/** One event for a thread; the payload is JSON text in UTF-8. */
export type ThreadJob = { payload: Uint8Array; requestId: string; alias: string; timeoutMs: number };

/** One worker thread with one version's code, which runs one event at a time, in the order given. Runs in a host. */
export type Sandbox = {
  state(): "loading" | "ready" | "ending";
  /** Settles with what went wrong, or undefined when the handler can be called. */
  loaded: Promise<Failure | undefined>;
  /** Settles once the thread is gone. */
  ended: Promise<void>;
  /** Only when ready. What it is given while it runs another waits for that, and no time is lost between. */
  invoke(job: ThreadJob, answer: (result: ThreadResult) => void): void;
  /** Takes back what waits behind an event that began before then, in `performance.now()`'s ms: it isn't begun any more. */
  takeBack(beganBeforeMs: number): void;
  /** Stops the thread if it has too much memory. To be called all the time; looks only when something has run. */
  checkMemory(): void;
  /** Memory when it was last looked at, in bytes: the heap, and what Buffers hold outside of it. */
  memoryBytes(): number;
  endForMemory(): void;
  /** Ends the thread; what it runs fails. */
  stop(): void;
};

type Given = {
  number: number;
  requestId: string;
  timeoutMs: number;
  /** Once it is the first, and so may run. */
  startMs: number;
  answer: (result: ThreadResult) => void;
};

/** Starts a thread and loads the code. @throws when no thread can be made */
export function startThread({ code, initTimeoutMs, log, now, onStuck }: SandboxOptions): Sandbox {
  const { version, memoryMb } = code;
  const loaded = Promise.withResolvers<Failure | undefined>();
  const ended = Promise.withResolvers<void>();
  let state: "loading" | "ready" | "ending" = "loading";
  /** What it was given and hasn't answered, in that order: the first of them runs. */
  const given: Given[] = [];
  let nextNumber = 0;
  let fate: Failure | undefined;
  let endedIn: { requestId: string | undefined } | undefined;
  let lateEnd: NodeJS.Timeout | undefined;
  let concluded = false;

  /** What it was given in this turn of the event loop, and will be told of together. */
  let payloads: Uint8Array[] = [];
  let invocations: Invocation[] = [];

  const turn = threadTurn();
  const progress = threadProgress();
  // A way of its own: what the code posts to `parentPort` isn't an answer.
  const { port1: port, port2 } = new MessageChannel();
  const worker = new Worker(new URL("./worker-thread.ts", import.meta.url), {
    workerData: { code, port: port2, turn, progress } satisfies WorkerData,
    transferList: [port2],
    // Nothing of how this process was started: neither its flags nor its arguments.
    argv: [],
    execArgv: [],
    stdout: true,
    stderr: true,
    name: `${code.component} ${version}`,
    resourceLimits: limitsOf(memoryMb),
  });
  log.take(worker.stdout);
  log.take(worker.stderr);
  const initTimer = setTimeout(() => {
    end({ type: "Sandbox.Timedout", message: `Init timed out after ${seconds(initTimeoutMs)} seconds` });
  }, initTimeoutMs);

  /** Its time begins: the thread begins it as soon as the one before it is through. */
  function beginFirst(): void {
    const [first] = given;
    if (first === undefined || concluded) return;
    first.startMs = performance.now();
    watch(first.startMs + first.timeoutMs);
  }

  const watch = deadlineTimer((nowMs) => {
    settleDone();
    const [first] = given;
    if (first === undefined) return undefined;
    const { startMs, timeoutMs } = first;
    if (nowMs < startMs + timeoutMs) return startMs + timeoutMs;
    // The answer may have come while this thread was busy: let it be read first.
    setImmediate(() => {
      settleDone();
      if (given[0] !== first) return;
      end({ type: "Sandbox.Timedout", message: `Task timed out after ${seconds(timeoutMs)} seconds` });
    });
    return undefined;
  });

  /** What it is done with, whether or not it has said so. */
  function settleDone(): void {
    for (let [first] = given; first !== undefined; [first] = given) {
      const durationMs = durationOf(progress, first.number);
      if (durationMs === undefined) return;
      settle({ outcome: "done", durationMs });
    }
  }

  function settle(result: ThreadResult): void {
    const first = given.shift();
    first?.answer(result);
    beginFirst();
  }

  /** By the turn: whoever changes it first decides whether the thread begins with what is next. */
  function takeBack(beganBeforeMs: number): void {
    settleDone();
    const [first, second] = given;
    if (first === undefined || second === undefined || first.startMs > beganBeforeMs) return;
    if (Atomics.compareExchange(turn, 0, second.number, nextNumber) !== second.number) return;
    for (const { answer } of given.splice(1)) answer({ outcome: "not begun" });
  }

  function fail(failure: Failure, durationMs: number): void {
    log.note(now(), given[0]?.requestId, failureText(failure));
    settleFailed(failure, durationMs);
  }

  function settleFailed({ type, message, text }: Failure, durationMs: number): void {
    const stack = text?.includes("\n") ? { stack: text.slice(0, MAX_STACK_CHARS) } : {};
    settle({ outcome: "failed", error: { type, message, ...stack }, durationMs });
  }

  function post(): void {
    const bytes = new Uint8Array(payloads.reduce((sum, { length }) => sum + length, 0));
    let from = 0;
    for (const payload of payloads) {
      bytes.set(payload, from);
      from += payload.length;
    }
    port.postMessage([bytes, invocations] satisfies Invocations, [bytes.buffer]);
    payloads = [];
    invocations = [];
  }

  /** What the thread has printed comes another way than its reply, and may come a turn later: the log ends with the failure. */
  function noteAfterOutput(at: Date, requestId: string, failure: Failure): void {
    setImmediate(() => log.note(at, requestId, failureText(failure)));
  }

  /** Nothing more will come from the thread. */
  function conclude(failure: Failure): void {
    if (concluded) return;
    concluded = true;
    state = "ending";
    clearTimeout(initTimer);
    loaded.resolve(failure);
    const [first] = given;
    if (first !== undefined && (endedIn === undefined || endedIn.requestId === first.requestId)) {
      fail(failure, performance.now() - first.startMs);
    } else if (failure !== STOPPED) log.note(now(), endedIn?.requestId, failureText(failure));
    while (given.length > 0) settle({ outcome: "not begun" });
  }

  /** Tells once the thread has ended: the retry of an event that timed out mustn't overlap with its first run. */
  function end(failure: Failure, how: "from outside" | "by itself" = "from outside"): void {
    if (state === "ending") return;
    state = "ending";
    fate ??= failure;
    takeBack(Number.POSITIVE_INFINITY);
    lateEnd = setTimeout(() => {
      conclude(failure);
      void worker.terminate();
      onStuck();
    }, END_GRACE_MS);
    if (how === "from outside") void worker.terminate();
  }

  function take(message: unknown): void {
    settleDone();
    const reply = parseReply(message);
    switch (reply?.[0]) {
      case "loaded":
        if (state !== "loading") return;
        state = "ready";
        clearTimeout(initTimer);
        loaded.resolve(undefined);
        return;
      case "unloadable":
        end(reply[1]);
        return;
      case "failed":
        // The answer to an earlier event, or to none, is nobody's.
        if (reply[1] !== given[0]?.requestId) return;
        noteAfterOutput(now(), reply[1], reply[3]);
        settleFailed(reply[3], reply[2]);
        return;
      case "ending":
        endedIn = { requestId: reply[1] };
        end(reply[2], "by itself");
        return;
    }
  }

  const endForMemory = () => end(outOfMemory(memoryMb));
  const memory = threadMemory(worker, memoryMb, () => given.length > 0 || state === "loading", endForMemory);

  port.on("message", take);
  worker.on("error", (error: unknown) => {
    fate ??= isOutOfMemory(error) ? outOfMemory(memoryMb) : failureIn(error);
  });
  worker.on("exit", (exitCode) => {
    clearTimeout(lateEnd);
    // What the thread said last may still be on its way.
    for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port))
      take(last.message);
    settleDone();
    port.close();
    clearTimeout(lateEnd);
    conclude(fate ?? { type: "Runtime.ExitError", message: `the thread ended with exit code ${exitCode}` });
    ended.resolve();
  });

  return {
    state: () => state,
    loaded: loaded.promise,
    ended: ended.promise,
    invoke({ payload, requestId, alias, timeoutMs }, answer) {
      const number = nextNumber;
      nextNumber = followingTurn(number);
      given.push({ number, requestId, timeoutMs, startMs: Number.POSITIVE_INFINITY, answer });
      if (given.length === 1) beginFirst();
      memory.noteRun();
      if (invocations.length === 0) queueMicrotask(post);
      payloads.push(payload);
      invocations.push([payload.length, requestId, alias, timeoutMs, number]);
    },
    takeBack,
    checkMemory() {
      if (state !== "ending") memory.check();
    },
    memoryBytes: memory.bytes,
    endForMemory,
    stop() {
      const idle = state === "ready" && given.length === 0;
      if (idle) port.postMessage("stop" satisfies Stop);
      end(STOPPED, idle ? "by itself" : "from outside");
    },
  };
}

/** What the log says of it. A stack mostly begins with the error's type already. */
function failureText({ type, message, text = message }: Failure): string {
  return text.startsWith(`${type}:`) ? text : `${type}: ${text}`;
}

/** As Lambda writes it: `3.00`. */
function seconds(durationMs: number): string {
  return (durationMs / 1_000).toFixed(2);
}
