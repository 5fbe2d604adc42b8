import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import type { SendResult } from "../target.ts";
import { crashLoop } from "./crash-loop.ts";
import type { Host, HostEnd } from "./host.ts";
import { type HostedCode, NO_HOST } from "./host-messages.ts";
import type { HostThread, Invoked } from "./host-thread.ts";
import { suspectEvents } from "./suspect-events.ts";
import { type Job, waitingJobs } from "./waiting-jobs.ts";

export type PoolOptions = {
  code: HostedCode;
  /** Starts the version's process, as soon as there is room for another one to start. */
  startHost: () => Host;
  now: () => Date;
  /** Told when no process could be started, for want of descriptors or memory. */
  onNoRoom: () => void;
  /** Whether a job that had to wait still is this version's; if not, it has been sent to where it belongs now. */
  stillHere: (job: Job) => boolean;
};

/** How often an event may be handed to threads that end before they look at it: then it counts as failed. */
const MOST_NOT_BEGUN = 10;

/**
 * One version's host, with as many threads as are needed at once, up to its concurrency; idle ones are kept. Of several
 * events that ran together when the host ended by itself none is counted as failed, and each is run alone when it comes
 * again, so that only the one that ends hosts pays; so is who was beside one that had to be ended twice. Of every three
 * times that an event reaches a thread and isn't done, one counts. A host that keeps ending is left alone for longer and
 * longer.
 */
export type WorkerPool = {
  /** Begins the job with the next free thread; jobs that wait are served project by project, each in the order they came. */
  run(job: Job): void;
  /** When it was last used, in ms since the epoch; undefined while something runs or waits. */
  idleSince(): number | undefined;
  /** Whether it has no host at the moment. */
  isEmpty(): boolean;
  /** Refuses what waits, gives what runs so much time, and ends the host. */
  close(graceMs: number): Promise<void>;
};

export function workerPool({ code, startHost, onNoRoom, stillHere, now }: PoolOptions): WorkerPool {
  const { concurrency } = code;
  const name = `${code.component} version ${code.version}`;
  const threads = new Set<HostThread>();
  const idle: HostThread[] = [];
  const suspects = suspectEvents();
  /** Suspects that have come again. Each is run alone, before all others. */
  const trials: Job[] = [];
  const crashes = crashLoop();
  const allDone = Promise.withResolvers<void>();
  let host: Host | undefined;
  let starting = 0;
  let running = 0;
  let runsAlone = false;
  let wasTrial = false;
  let lastUsedMs = now().getTime();
  let closed = false;
  /** Why the latest thread couldn't load the code; undefined once one could. */
  let loadFailure: DeliveryError | undefined;
  const endsFirst = {
    type: "Runtime.ExitError",
    message: `${MOST_NOT_BEGUN} threads of ${name} ended before they looked at the event`,
  };
  const waiting = waitingJobs({
    concurrency,
    now,
    isLoaded: () => threads.size > starting,
    expire,
    refuse: (job, others) =>
      job.resolve(throttled("NoRoom", `${others} events wait for the ${concurrency} workers of ${name} already`)),
  });

  function run(job: Job, again = false): void {
    const at = now();
    lastUsedMs = at.getTime();
    if (closed) refuse(job);
    else if (at > job.send.latestStart) expire(job);
    else if (crashes.pausedUntil(at) !== undefined) pause(job, at);
    else if (suspects.has(job.send, at)) {
      trials.push(job);
      grow();
      serve();
    } else {
      const thread = isTrial() ? undefined : nextFree();
      if (thread !== undefined) {
        begin(thread, job);
        return;
      }
      waiting.add(job, again);
      grow();
    }
  }

  const isTrial = () => runsAlone || trials.length > 0;

  function begin(thread: HostThread, job: Job): void {
    running++;
    void thread.invoke(job.send).then((invoked) => {
      running--;
      // An end that only tells which of several suspects it was has been counted with the first one.
      wasTrial = runsAlone;
      runsAlone = false;
      if (wasTrial) suspects.acquit(job.send);
      lastUsedMs = now().getTime();
      waiting.served();
      conclude(job, invoked, thread);
      release(thread);
      if (closed && running === 0) allDone.resolve();
    });
  }

  function conclude(job: Job, invoked: Invoked, thread: HostThread): void {
    switch (invoked.outcome) {
      case "done":
      case "failed":
        job.resolve({ ...invoked, executedVersion: code.version });
        return;
      case "crashed":
        job.resolve(failed(invoked.error, invoked.durationMs));
        return;
      case "suspected":
        suspects.suspect(job.send, now());
        job.resolve(throttled("HostEnded", `the process of ${name} ended, with other events running in it`));
        return;
      case "interrupted":
        suspects.wasBeside(job.send, now());
        job.resolve(throttled("HostEnded", `the process of ${name} was ended because of another event`));
        return;
      case "not begun":
        // Not where it was only taken back from a thread that is busy.
        if (thread.state() !== "ready") job.notBegun = (job.notBegun ?? 0) + 1;
        if ((job.notBegun ?? 0) < MOST_NOT_BEGUN) run(job, true);
        else job.resolve(failed(endsFirst));
        return;
      case "stopped":
        refuse(job);
        return;
    }
  }

  /** The thread has nothing to do, or less: the job that waits longest is its next. */
  function release(thread: HostThread): void {
    if (thread.state() === "ready" && thread.handed() === 0 && !idle.includes(thread)) idle.push(thread);
    serve();
  }

  function serve(): void {
    while (!isTrial()) {
      const thread = nextFree();
      if (thread === undefined) return;
      const job = nextJob();
      if (job === undefined) {
        if (thread.handed() === 0) idle.push(thread);
        return;
      }
      begin(thread, job);
    }
    if (running === 0) runTrial();
  }

  function runTrial(): void {
    const thread = nextIdle();
    const job = thread === undefined ? undefined : trials.shift();
    if (thread === undefined || job === undefined) return;
    if (now() <= job.send.latestStart && stillHere(job)) {
      runsAlone = true;
      begin(thread, job);
      return;
    }
    if (now() > job.send.latestStart) expire(job);
    release(thread);
  }

  /** One that does nothing; else one that will be through with what it does before long. */
  function nextFree(): HostThread | undefined {
    return nextIdle() ?? threads.values().find((thread) => thread.hasRoom());
  }

  function nextIdle(): HostThread | undefined {
    for (;;) {
      const thread = idle.pop();
      if (thread === undefined || thread.state() === "ready") return thread;
    }
  }

  function nextJob(): Job | undefined {
    for (let job = waiting.next(); job !== undefined; job = waiting.next()) if (stillHere(job)) return job;
    return undefined;
  }

  function expire(job: Job): void {
    const by = job.send.latestStart.toISOString();
    // A version that never loads must not be put off for ever without ever counting as failed.
    if (loadFailure !== undefined) job.resolve(failed(loadFailure));
    else job.resolve(throttled("NoFreeWorker", `none of the ${concurrency} workers of ${name} was free by ${by}`));
  }

  function pause(job: Job, at: Date): void {
    const retryAt = crashes.pausedUntil(at) ?? at;
    const message = `the process of ${name} has ended by itself ${crashes.count(at)} times lately`;
    job.resolve({ ...throttled("VersionPaused", message), retryAt });
  }

  /** A thread that is ending still counts: it may still hold its memory and a core. */
  function grow(): void {
    const wanted = () => waiting.size() + trials.length > starting && threads.size < concurrency;
    while (!closed && wanted()) follow(liveHost().startThread());
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

  function onHostEnd(end: HostEnd): void {
    const at = now();
    if (end.by === "itself" && end.error.type !== NO_HOST && !wasTrial) crashes.crashed(at);
    if (crashes.pausedUntil(at) !== undefined) {
      for (const job of [...trials.splice(0), ...waiting.takeAll()]) pause(job, at);
    } else grow();
  }

  function follow(thread: HostThread): void {
    const before = waiting.lastArrival();
    threads.add(thread);
    starting++;
    void thread.loaded.then((loaded) => {
      starting--;
      if (loaded === "ready") {
        loadFailure = undefined;
        release(thread);
      } else if (loaded !== "interrupted") failWaiting(loaded, before);
    });
    void thread.ended.then(() => {
      threads.delete(thread);
      const index = idle.indexOf(thread);
      if (index >= 0) idle.splice(index, 1);
      // In a new host, if this one has ended; it says so a moment later.
      setImmediate(() => {
        if (crashes.pausedUntil(now()) === undefined) grow();
      });
    });
  }

  /**
   * Tells the failure to whoever waited for the thread since it was started, unless others do run the code. Who came
   * later gets a thread that is started later.
   */
  function failWaiting(failure: DeliveryError, lastArrival: number): void {
    if ([...threads].some((thread) => thread.state() === "ready")) return;
    // For want of descriptors or memory: not the version's failure.
    const isOurs = failure.type === NO_HOST;
    if (isOurs) onNoRoom();
    else loadFailure = failure;
    for (const job of [...waiting.takeAll(lastArrival), ...trials.splice(0)]) {
      if (!stillHere(job)) continue;
      job.resolve(isOurs ? throttled(failure.type, failure.message) : failed(failure));
    }
  }

  function failed(error: DeliveryError, durationMs = 0): SendResult {
    return { outcome: "failed", error, executedVersion: code.version, durationMs };
  }

  return {
    run: (job) => run(job),
    idleSince: () => (running === 0 && waiting.size() === 0 ? lastUsedMs : undefined),
    isEmpty: () => host === undefined,
    async close(graceMs) {
      closed = true;
      for (const job of [...waiting.takeAll(), ...trials.splice(0)]) refuse(job);
      if (running > 0) await within(graceMs, allDone.promise);
      await host?.stop();
    },
  };
}

function refuse(job: Job): void {
  job.resolve(throttled("ShuttingDown", "Turnout is being stopped"));
}

function throttled(type: string, message: string): SendResult & { outcome: "throttled" } {
  return { outcome: "throttled", error: { type, message } };
}

/** Waits for the promise, but no longer than this. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([promise, late.promise]);
  clearTimeout(timer);
}
