import type { Duplex, Readable } from "node:stream";
import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import { exitError, memoryProblem, spawnHost } from "./host-child.ts";
import { frameReader, frameWriter } from "./host-frames.ts";
import { type HostedCode, NO_HOST, parseFromHost, type ToHost } from "./host-messages.ts";
import { type HostThread, type Invoked, type StartedThread, startedThread } from "./host-thread.ts";
import type { Walls } from "./host-walls.ts";
import { killGroup } from "./kill-group.ts";
import type { WorkerLog } from "./worker-log.ts";

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
  /** Where a debugger may reach it, as `host:port`. */
  inspect?: string | undefined;
  log: WorkerLog;
  now: () => Date;
  /** False where there are as many hosts as there may be: then this one has ended before it began. */
  mayStart?: boolean;
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

/** Starts a process for one version. Never throws: a process that can't be started is one that has ended. */
export function startHost({ code, environment, walls, inspect, log, now, mayStart = true }: HostOptions): Host {
  const threads = new Map<number, StartedThread>();
  const ended = Promise.withResolvers<HostEnd>();
  let started = 0;
  let isOver = false;
  let stopping = false;
  let fate: DeliveryError | undefined;
  /** Ended because of what this thread runs. */
  let culprit: StartedThread | undefined;

  const child = mayStart ? spawnHost(walls, environment, inspect) : undefined;
  const [, stdout, stderr, messages, tagged] = child?.stdio ?? [];
  const tell: (message: ToHost, text?: string) => void = messages ? frameWriter(messages as Duplex) : () => {};
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
    const runs = [...threads.values()].reduce((sum, { handed }) => sum + handed(), 0);
    // Where an event ran, it and not the loading is why.
    const unlessLoaded = stopping || culprit !== undefined || runs > 0 ? "interrupted" : error;
    for (const thread of threads.values()) {
      thread.end((startMs) => fateOf(culprit === thread, startMs, error, runs), unlessLoaded);
    }
    if (!stopping) log.note(now(), undefined, `${error.type}: ${error.message}`);
    ended.resolve(stopping || culprit !== undefined ? { by: "router" } : { by: "itself", error });
  }

  /** What waited may have begun since: the answer of what ran before it needn't have come through. */
  function fateOf(ofCulprit: boolean, startMs: number | undefined, error: DeliveryError, runs: number): Invoked {
    const durationMs = performance.now() - (startMs ?? performance.now());
    if (stopping) return { outcome: "stopped" };
    const isCulprit = ofCulprit && startMs !== undefined;
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
    else thread.take(said);
    if (said[0] === "ended") threads.delete(said[1]);
  }

  function endFor(thread: StartedThread): void {
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
      messages.on("data", frameReader({ take, refuse: (problem) => kill("Host.Garbled", problem) }));
    }
  } else setImmediate(() => conclude({ type: NO_HOST, message: "no process could be started" }));
  tell(["code", code, walls.prefix]);

  return {
    ended: ended.promise,
    pid: () => child?.pid,
    startThread() {
      const number = ++started;
      const thread = startedThread({
        tell: (payload, ...event) => tell(["invoke", number, ...event], payload),
        isOver: () => isOver,
        isStopping: () => stopping,
        onOverdue: () => endFor(thread),
      });
      if (isOver) thread.end(() => ({ outcome: "not begun" }), "interrupted");
      else threads.set(number, thread);
      tell(["start", number]);
      return thread;
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
