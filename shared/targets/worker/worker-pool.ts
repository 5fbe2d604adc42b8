import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import { concludeJob } from "./conclude-job.ts";
import { crashLoop } from "./crash-loop.ts";
import type { Host, HostEnd } from "./host.ts";
import { type HostedCode, NO_HOST } from "./host-messages.ts";
import type { HostThread, Invoked } from "./host-thread.ts";
import { hostedThreads } from "./hosted-threads.ts";
import { jobAnswers } from "./job-answers.ts";
import { jobDispatcher } from "./job-dispatcher.ts";
import { suspectEvents } from "./suspect-events.ts";
import { trialRuns } from "./trial-runs.ts";
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
  const { concurrency, version } = code;
  const answers = jobAnswers(code);
  const suspects = suspectEvents();
  const crashes = crashLoop();
  const allDone = Promise.withResolvers<void>();
  let lastUsedMs = now().getTime();
  let closed = false;

  const trials = trialRuns();
  const waiting = waitingJobs({
    concurrency,
    now,
    isLoaded: () => threads.areLoaded(),
    stillHere,
    expire,
    refuse: (job, others) => job.resolve(answers.crowded(others)),
  });
  const threads = hostedThreads({
    concurrency,
    startHost,
    wanted: () => (closed || crashes.pausedUntil(now()) !== undefined ? 0 : waiting.size() + trials.size()),
    lastArrival: waiting.lastArrival,
    onReady: (thread) => dispatcher.release(thread),
    onLoadFailure: failWaiting,
    onHostEnd,
  });
  const dispatcher = jobDispatcher({ threads, waiting, trials, mayTry, onEnd });

  const takeAll = () => [...trials.takeAll(), ...waiting.takeAll()];

  function run(job: Job, again = false): void {
    const at = now();
    lastUsedMs = at.getTime();
    if (closed) job.resolve(answers.stopped());
    else if (at > job.send.latestStart) expire(job);
    else if (crashes.pausedUntil(at) !== undefined) pause(job, at);
    else if (suspects.has(job.send, at)) {
      trials.add(job);
      threads.grow();
      dispatcher.serve();
    } else if (!dispatcher.begin(job)) {
      waiting.add(job, again);
      threads.grow();
    }
  }

  const runAgain = (job: Job) => run(job, true);

  function onEnd(job: Job, invoked: Invoked, thread: HostThread, ranAlone: boolean): void {
    const at = now();
    if (ranAlone) suspects.acquit(job.send);
    lastUsedMs = at.getTime();
    waiting.served(at);
    if (invoked.outcome === "done" || invoked.outcome === "failed")
      job.resolve({ ...invoked, executedVersion: version });
    else concludeJob(job, invoked, thread, { answers, suspects, at, runAgain });
    if (closed && dispatcher.running() === 0) allDone.resolve();
  }

  function onHostEnd(end: HostEnd): void {
    const at = now();
    // An end that only tells which of several suspects it was has been counted with the first one.
    if (end.by === "itself" && end.error.type !== NO_HOST && !trials.wasLast()) crashes.crashed(at);
    if (crashes.pausedUntil(at) !== undefined) for (const job of takeAll()) pause(job, at);
    else threads.grow();
  }

  /** Tells the failure to whoever waited for the thread since it was started. Who came later gets a later one. */
  function failWaiting(failure: DeliveryError, lastArrival: number): void {
    const isOurs = failure.type === NO_HOST;
    if (isOurs) onNoRoom();
    for (const job of [...waiting.takeAll(lastArrival), ...trials.takeAll()]) {
      if (stillHere(job)) job.resolve(isOurs ? answers.noHost(failure) : answers.failed(failure));
    }
  }

  function mayTry(job: Job): boolean {
    if (now() <= job.send.latestStart) return stillHere(job);
    expire(job);
    return false;
  }

  function expire(job: Job): void {
    const failure = threads.loadFailure();
    // A version that never loads must not be put off for ever without ever counting as failed.
    job.resolve(failure === undefined ? answers.expired(job.send.latestStart) : answers.failed(failure));
  }

  function pause(job: Job, at: Date): void {
    job.resolve(answers.paused(crashes.count(at), crashes.pausedUntil(at) ?? at));
  }

  return {
    run: (job) => run(job),
    idleSince: () => (dispatcher.running() === 0 && waiting.size() === 0 ? lastUsedMs : undefined),
    isEmpty: () => !threads.hasHost(),
    async close(graceMs) {
      closed = true;
      for (const job of takeAll()) job.resolve(answers.stopped());
      if (dispatcher.running() > 0) await within(graceMs, allDone.promise);
      await threads.stop();
    },
  };
}

/** Waits for the promise, but no longer than this. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([promise, late.promise]);
  clearTimeout(timer);
}
