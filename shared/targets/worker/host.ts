import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import type { Send } from "../target.ts";
import { frameWriter, readFrames } from "./host-frames.ts";
import { type FromHost, type HostedCode, parseFromHost, type ToHost } from "./host-messages.ts";
import type { Walls } from "./host-walls.ts";
import type { WorkerLog } from "./worker-log.ts";

/** The error's type where no process could be started, for want of descriptors, memory or places: not the version's fault. */
export const NO_HOST = "Host.StartFailed";

const HOST_PROCESS = fileURLToPath(new URL("./host-process.ts", import.meta.url));

/** A host that doesn't end an attempt by itself, this long after its time, is ended with all that it runs. */
const OVERDUE_AFTER_MS = 1_500;

/** How long after a process or its connection has ended the end of the other is waited for. */
const LAST_WORDS_MS = 250;

/** How long a new process may take until its first thread begins to load. */
const START_TIMEOUT_MS = 30_000;

/** How long a host that was told to end may take: longer than a thread takes that has to be terminated, on a busy machine. */
const STOP_GRACE_MS = 5_000;

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
  /** Only when ready and nothing else runs. */
  invoke(send: Pick<Send, "payload" | "requestId" | "alias" | "timeoutMs">): Promise<Invoked>;
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

type Running = {
  requestId: string;
  startMs: number;
  overdue: NodeJS.Timeout;
  resolve: (invoked: Invoked) => void;
};

type Thread = {
  state: ThreadState;
  loaded: PromiseWithResolvers<Loaded>;
  ended: PromiseWithResolvers<void>;
  running?: Running | undefined;
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
    const runs = [...threads.values()].filter(({ running }) => running !== undefined).length;
    for (const thread of threads.values()) {
      finish(thread, fateOf(thread, error, runs));
      // Where an event ran, it and not the loading is why.
      endThread(thread, stopping || culprit !== undefined || runs > 0 ? "interrupted" : error);
    }
    if (!stopping) log.note(now(), undefined, `${error.type}: ${error.message}`);
    ended.resolve(stopping || culprit !== undefined ? { by: "router" } : { by: "itself", error });
  }

  function fateOf(thread: Thread, error: DeliveryError, runs: number): Invoked {
    const durationMs = performance.now() - (thread.running?.startMs ?? performance.now());
    if (stopping) return { outcome: "stopped" };
    if (culprit !== undefined && culprit !== thread) return { outcome: "interrupted" };
    const outcome = culprit === thread || runs === 1 ? "crashed" : "suspected";
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

  function endFor(thread: Thread): void {
    culprit ??= thread;
    kill("Sandbox.Timedout", "a thread could not be interrupted, so its process was ended");
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
  tell(["code", code]);

  return {
    ended: ended.promise,
    pid: () => child?.pid,
    startThread() {
      const number = ++started;
      const thread: Thread = {
        state: "loading",
        loaded: Promise.withResolvers(),
        ended: Promise.withResolvers(),
      };
      if (isOver) endThread(thread, "interrupted");
      else threads.set(number, thread);
      tell(["start", number]);
      return {
        state: () => thread.state,
        loaded: thread.loaded.promise,
        ended: thread.ended.promise,
        invoke: ({ payload, requestId, alias, timeoutMs }) =>
          new Promise((resolve) => {
            if (isOver) return resolve({ outcome: "not begun" });
            const overdue = setTimeout(endFor, timeoutMs + OVERDUE_AFTER_MS, thread);
            thread.running = { requestId, startMs: performance.now(), overdue, resolve };
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

function spawnHost({ prefix }: Walls, environment: Record<string, string>): ChildProcess | undefined {
  const [command = process.execPath, ...args] = [...prefix, process.execPath, HOST_PROCESS];
  try {
    return spawn(command, args, {
      env: environment,
      cwd: "/",
      // A process group of its own, for what the version starts.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    });
  } catch {
    // No descriptor or no memory left for another process.
    return undefined;
  }
}

function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
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
      finish(thread, { outcome: "not begun" });
      endThread(thread, "interrupted");
      return;
  }
}

/** An answer for another attempt than the one that runs, or a second one, is nobody's. */
function answer(thread: Thread, requestId: string, invoked: Invoked): void {
  if (thread.running?.requestId === requestId) finish(thread, invoked);
}

function finish(thread: Thread, invoked: Invoked): void {
  const { running } = thread;
  if (running === undefined) return;
  thread.running = undefined;
  clearTimeout(running.overdue);
  running.resolve(invoked);
}

function endThread(thread: Thread, unlessLoaded: Loaded): void {
  thread.state = "ended";
  thread.loaded.resolve(unlessLoaded);
  thread.ended.resolve();
}

function exitError(exitCode: number | null, signal: NodeJS.Signals | null): DeliveryError {
  const how = signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
  return { type: "Runtime.ExitError", message: `the version's process ended ${how}` };
}

function memoryProblem({ memoryMb, concurrency }: HostedCode, limitMb: number): string {
  const remedy = "Give the component more worker.memoryMb, or find what it keeps";
  return `its process used far more memory than the ${limitMb} MB of ${concurrency} threads of ${memoryMb} MB. ${remedy}.`;
}
