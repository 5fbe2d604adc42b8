import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import type { Host, HostEnd } from "./host.ts";
import { NO_HOST } from "./host-messages.ts";
import type { HostThread } from "./host-thread.ts";

export type HostedThreadsOptions = {
  /** Threads that there may be at once. */
  concurrency: number;
  startHost: () => Host;
  /** How many jobs could each use a thread that isn't there yet. */
  wanted: () => number;
  /** The number of the job that came last. */
  lastArrival: () => number;
  /** Told of a thread that can be given its first event. */
  onReady: (thread: HostThread) => void;
  /** Told that no thread runs the code, and why, with the number of the job that had come last when one was started. */
  onLoadFailure: (failure: DeliveryError, lastArrival: number) => void;
  onHostEnd: (end: HostEnd) => void;
};

/** The threads of one version, and the host that they are in; idle ones are kept. */
export type HostedThreads = {
  /** Starts as many threads as are wanted, in a new host where there is none. */
  grow(): void;
  /** Takes out one that does nothing. */
  takeIdle(): HostThread | undefined;
  /**
   * The one taken last, if it is as good as free: several events that go to one thread cost less than as many threads that
   * are woken. Else takes out one that does nothing; else one that will be through with what it does before long.
   */
  takeFree(): HostThread | undefined;
  /** Keeps the thread for whoever takes it next, if it has nothing to do. */
  rest(thread: HostThread): void;
  /** Whether any has loaded the code. */
  areLoaded(): boolean;
  /** Why the latest one couldn't load the code; undefined once one could. */
  loadFailure(): DeliveryError | undefined;
  hasHost(): boolean;
  stop(): Promise<void>;
};

export function hostedThreads(options: HostedThreadsOptions): HostedThreads {
  const { concurrency, startHost, wanted, lastArrival, onReady, onLoadFailure, onHostEnd } = options;
  const threads = new Set<HostThread>();
  const idle: HostThread[] = [];
  let host: Host | undefined;
  let latest: HostThread | undefined;
  let starting = 0;
  let loadFailure: DeliveryError | undefined;

  /** A thread that is ending still counts: it may still hold its memory and a core. */
  function grow(): void {
    while (wanted() > starting && threads.size < concurrency) follow(liveHost().startThread());
  }

  function liveHost(): Host {
    if (host !== undefined) return host;
    const started = startHost();
    host = started;
    void started.ended.then((end) => {
      if (host === started) host = undefined;
      onHostEnd(end);
    });
    return started;
  }

  function follow(thread: HostThread): void {
    const before = lastArrival();
    threads.add(thread);
    starting++;
    void thread.loaded.then((loaded) => {
      starting--;
      if (loaded === "ready") {
        loadFailure = undefined;
        onReady(thread);
      } else if (loaded !== "interrupted") notLoaded(loaded, before);
    });
    void thread.ended.then(() => {
      threads.delete(thread);
      const index = idle.indexOf(thread);
      if (index >= 0) idle.splice(index, 1);
      // In a new host, if this one has ended; it says so a moment later.
      setImmediate(grow);
    });
  }

  /** Of no interest where others do run the code. */
  function notLoaded(failure: DeliveryError, before: number): void {
    if ([...threads].some((thread) => thread.state() === "ready")) return;
    // For want of descriptors or memory: not the version's failure.
    if (failure.type !== NO_HOST) loadFailure = failure;
    onLoadFailure(failure, before);
  }

  function takeIdle(): HostThread | undefined {
    for (;;) {
      const thread = idle.pop();
      if (thread === undefined || thread.state() === "ready") return thread;
    }
  }

  function takeFree(): HostThread | undefined {
    if (latest?.isSoonFree() !== true) latest = takeIdle() ?? threads.values().find((thread) => thread.hasRoom());
    return latest;
  }

  return {
    grow,
    takeIdle,
    takeFree,
    rest(thread) {
      if (thread.state() === "ready" && thread.handed() === 0 && !idle.includes(thread)) idle.push(thread);
    },
    areLoaded: () => threads.size > starting,
    loadFailure: () => loadFailure,
    hasHost: () => host !== undefined,
    stop: async () => host?.stop(),
  };
}
