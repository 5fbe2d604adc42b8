import type { Duplex, Readable } from "node:stream";
import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import { originTag } from "../../domain/deliveries/request-id.ts";
import type { Send } from "../target.ts";
import { exitError, memoryProblem, spawnHost } from "./host-child.ts";
import { frameWriter, readFrames } from "./host-frames.ts";
import { type FromHost, type HostedCode, NO_HOST, parseFromHost, type ToHost } from "./host-messages.ts";
import type { Walls } from "./host-walls.ts";
import { killGroup } from "./kill-group.ts";
import type { WorkerLog } from "./worker-log.ts";

/** A host that doesn't end an attempt by itself, this long after its time, is ended with all that it runs. */
const OVERDUE_AFTER_MS = 1_500;

/** How long after a process or its connection has ended the end of the other is waited for. */
const LAST_WORDS_MS = 250;

/** How long a new process may take until its first thread begins to load. */
const START_TIMEOUT_MS = 30_000;

/** How long a host that was told to end may take: longer than a thread takes that has to be terminated, on a busy machine. */
const STOP_GRACE_MS = 5_000;

/** A thread whose last event took less than this is given some more before it has answered, and loses no time between. */
const QUICK_MS = 1;
const MOST_HANDED = 16;

export type HostOptions = {
  code: HostedCode;
  environment: Record<string, string>;
  walls: Walls;
  log: WorkerLog;
  now: () => Date;
  /** False where there are as many hosts as there may be: then this one has ended before it began. */
  mayStart?: boolean;
};

/** What came of an event that was given to a thread. */
export type Invoked =
  | { outcome: "done"; durationMs: number }
  | { outcome: "failed"; durationMs: number; error: DeliveryError }
  /** Nothing was run. */
  | { outcome: "not begun" }
  /** The host ended under it, and of all that ran in it only this can be why. */
  | { outcome: "crashed"; durationMs: number; error: DeliveryError }
  /** The host ended under it, because of this or of another event that ran in it. */
  | { outcome: "suspected"; durationMs: number; error: DeliveryError }
  /** The host was ended under it because of another event. */
  | { outcome: "interrupted" }
  /** The host was told to stop. */
  | { outcome: "stopped" };

export type ThreadState = "loading" | "ready" | "ending" | "ended";

export type Loaded = "ready" | "interrupted" | DeliveryError;

/** One thread of a host. */
export type HostThread = {
  state(): ThreadState;
  /** Settles once the handler can be called, with what went wrong, or when the host was ended because of another thread. */
  loaded: Promise<Loaded>;
  /** Settles once the thread is gone. */
  ended: Promise<void>;
  /** How many events it has been given that aren't answered: the first of them runs, the others wait for it. */
  handed(): number;
  /** Whether it may be given an event more although it runs one: it is through with its events so fast. */
  hasRoom(): boolean;
  /** Only when ready, and nothing else runs unless it has room. Each event runs by itself, in the order given. */
  invoke(send: Pick<Send, "payload" | "requestId" | "of" | "alias" | "timeoutMs">): Promise<Invoked>;
};

/** How a host ended: because it was told to or had to, or by itself. */
export type HostEnd = { by: "router" } | { by: "itself"; error: DeliveryError };

/** One version's process. Whatever happens in it costs what runs in it, and nothing else. */
export type Host = {
  startThread(): HostThread;
  /** Settles once the process is gone. */
  ended: Promise<HostEnd>;
  pid(): number | undefined;
  /** Ends the threads and then the process; what runs is told that it was stopped. */
  stop(): Promise<void>;
};

type Handed = {
  requestId: string;
  timeoutMs: number;
  /** Once it is the first, and so may run. */
  startMs?: number;
  overdue?: NodeJS.Timeout;
  resolve: (invoked: Invoked) => void;
};

type Thread = {
  state: ThreadState;
  loaded: PromiseWithResolvers<Loaded>;
  ended: PromiseWithResolvers<void>;
  /** What it was given and hasn't answered, in that order. */
  handed: Handed[];
  lastDurationMs: number;
};

/** Starts a process for one version. Never throws: a process that can't be started is one that has ended. */
export function startHost({ code, environment, walls, log, now, mayStart = true }: HostOptions): Host {
  const threads = new Map<number, Thread>();
  const ended = Promise.withResolvers<HostEnd>();
  let started = 0;
  let isOver = false;
  let stopping = false;
  let fate: DeliveryError | undefined;
  /** Ended because of what this thread runs. */
  let culprit: Thread | undefined;

  const child = mayStart ? spawnHost(walls, environment) : undefined;
  const [, stdout, stderr, messages, tagged] = child?.stdio ?? [];
  const tell: (message: ToHost) => void = messages ? frameWriter(messages as Duplex) : () => {};
  const starting = setTimeout(() => kill("Host.StartTimedOut", "the process didn't begin to load"), START_TIMEOUT_MS);

  function kill(type: string, message: string): void {
    fate ??= { type, message };
    killGroup(child);
  }

  function conclude(error: DeliveryError): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(starting);
    // Whatever is left of its process group, where there are no namespaces.
    killGroup(child);
    const runs = [...threads.values()].reduce((sum, { handed }) => sum + handed.length, 0);
    for (const thread of threads.values()) {
      for (const one of thread.handed.splice(0)) finish(one, fateOf(thread, one, error, runs));
      // Where an event ran, it and not the loading is why.
      endThread(thread, stopping || culprit !== undefined || runs > 0 ? "interrupted" : error);
    }
    if (!stopping) log.note(now(), undefined, `${error.type}: ${error.message}`);
    ended.resolve(stopping || culprit !== undefined ? { by: "router" } : { by: "itself", error });
  }

  /** What waited may have begun since: the answer of what ran before it needn't have come through. */
  function fateOf(thread: Thread, { startMs }: Handed, error: DeliveryError, runs: number): Invoked {
    const durationMs = performance.now() - (startMs ?? performance.now());
    if (stopping) return { outcome: "stopped" };
    const isCulprit = culprit === thread && startMs !== undefined;
    if (culprit !== undefined && !isCulprit) return { outcome: "interrupted" };
    const outcome = isCulprit || runs === 1 ? "crashed" : "suspected";
    return { outcome, durationMs, error };
  }

  function take(message: unknown): void {
    const said = parseFromHost(message);
    if (said === undefined) {
      kill("Host.Garbled", "the process sent what isn't a message");
      return;
    }
    clearTimeout(starting);
    if (said[0] === "out of memory") {
      kill("Runtime.OutOfMemory", memoryProblem(code, said[1]));
      return;
    }
    const thread = threads.get(said[1]);
    if (thread === undefined) return;
    if (said[0] === "stuck") endFor(thread);
    else takeOf(thread, said);
    if (said[0] === "ended") threads.delete(said[1]);
  }

  /** Its time begins: the host begins it as soon as the one before it is through. */
  function beginFirst(thread: Thread): void {
    const [first] = thread.handed;
    if (first === undefined) return;
    first.startMs = performance.now();
    first.overdue = setTimeout(endFor, first.timeoutMs + OVERDUE_AFTER_MS, thread);
  }

  /** An answer for an attempt that the thread hasn't got, or a second one, is nobody's; so is one out of turn. */
  function answer(thread: Thread, requestId: string, invoked: Invoked): void {
    const index = thread.handed.findIndex((one) => one.requestId === requestId);
    const one = thread.handed[index];
    if (one === undefined || (index > 0 && invoked.outcome !== "not begun")) return;
    thread.handed.splice(index, 1);
    if (invoked.outcome === "done") thread.lastDurationMs = invoked.durationMs;
    else thread.lastDurationMs = Number.POSITIVE_INFINITY;
    if (index === 0) beginFirst(thread);
    // Threads that are stopped fail what they run, and say so if the process lives for long enough.
    finish(one, stopping && invoked.outcome === "failed" ? { outcome: "stopped" } : invoked);
  }

  function endFor(thread: Thread): void {
    culprit ??= thread;
    kill("Sandbox.Timedout", "a thread could not be interrupted, so its process was ended");
  }

  function takeOf(thread: Thread, said: FromHost): void {
    switch (said[0]) {
      case "loaded":
        if (thread.state !== "loading") return;
        thread.state = "ready";
        thread.loaded.resolve("ready");
        return;
      case "unloadable":
        thread.loaded.resolve(said[2]);
        return;
      case "ending":
        thread.state = "ending";
        return;
      case "done":
        answer(thread, said[2], { outcome: "done", durationMs: said[3] });
        return;
      case "failed":
        answer(thread, said[2], { outcome: "failed", durationMs: said[3], error: said[4] });
        return;
      case "not begun":
        answer(thread, said[2], { outcome: "not begun" });
        return;
      case "ended":
        for (const one of thread.handed.splice(0)) finish(one, { outcome: "not begun" });
        endThread(thread, "interrupted");
        return;
    }
  }

  if (child !== undefined) {
    child.on("error", (error) => conclude({ type: NO_HOST, message: error.message }));
    child.on("exit", (exitCode, signal) => {
      killGroup(child);
      // What it said before may still be on its way.
      const end = () => conclude(fate ?? exitError(exitCode, signal));
      if (!messages || messages.closed) end();
      else {
        messages.once("close", end);
        setTimeout(end, LAST_WORDS_MS);
      }
    });
    for (const output of [stdout, stderr]) if (output) log.takeUntagged(output as Readable, now);
    if (tagged) log.take(tagged as Readable);
    if (messages) {
      messages.on("error", () => {});
      // By the version itself, unless it is the process that ends: nothing can be said to it any more.
      const closed = () => kill("Runtime.ExitError", "the process closed its connection to Turnout");
      messages.on("close", () => setTimeout(closed, LAST_WORDS_MS));
      readFrames(messages as Duplex, { take, refuse: (problem) => kill("Host.Garbled", problem) });
    }
  } else setImmediate(() => conclude({ type: NO_HOST, message: "no process could be started" }));
  tell(["code", code, walls.prefix]);

  return {
    ended: ended.promise,
    pid: () => child?.pid,
    startThread() {
      const number = ++started;
      const thread: Thread = {
        state: "loading",
        loaded: Promise.withResolvers(),
        ended: Promise.withResolvers(),
        handed: [],
        lastDurationMs: Number.POSITIVE_INFINITY,
      };
      if (isOver) endThread(thread, "interrupted");
      else threads.set(number, thread);
      tell(["start", number]);
      return {
        state: () => thread.state,
        loaded: thread.loaded.promise,
        ended: thread.ended.promise,
        handed: () => thread.handed.length,
        hasRoom: () => {
          const { state, handed, lastDurationMs } = thread;
          return state === "ready" && lastDurationMs < QUICK_MS && handed.length > 0 && handed.length < MOST_HANDED;
        },
        invoke: ({ payload, requestId: id, of, alias, timeoutMs }) =>
          new Promise((resolve) => {
            // To the host a request goes by what its lines are to begin with.
            const requestId = originTag({ requestId: id, ...of });
            if (isOver) return resolve({ outcome: "not begun" });
            thread.handed.push({ requestId, timeoutMs, resolve });
            if (thread.handed.length === 1) beginFirst(thread);
            tell(["invoke", number, payload, requestId, alias, timeoutMs]);
          }),
      };
    },
    async stop() {
      stopping = true;
      tell(["end"]);
      const late = setTimeout(() => killGroup(child), STOP_GRACE_MS);
      await ended.promise;
      clearTimeout(late);
    },
  };
}

function finish({ overdue, resolve }: Handed, invoked: Invoked): void {
  clearTimeout(overdue);
  resolve(invoked);
}

function endThread(thread: Thread, unlessLoaded: Loaded): void {
  thread.state = "ended";
  thread.loaded.resolve(unlessLoaded);
  thread.ended.resolve();
}
