import type { HostThread, Invoked } from "./host-thread.ts";
import type { HostedThreads } from "./hosted-threads.ts";
import type { TrialRuns } from "./trial-runs.ts";
import type { Job, WaitingJobs } from "./waiting-jobs.ts";

export type DispatcherOptions = {
  threads: HostedThreads;
  waiting: WaitingJobs;
  trials: TrialRuns;
  /** Whether a suspect's turn may be used: it isn't too late, and it is this version's still. */
  mayTry: (job: Job) => boolean;
  /** Told what came of a job, and whether it ran alone, before its thread is given another one. */
  onEnd: (job: Job, invoked: Invoked, thread: HostThread, ranAlone: boolean) => void;
};

export type JobDispatcher = {
  /** Begins the job at once, if there is a free thread and no suspect to be run before it. */
  begin(job: Job): boolean;
  /** Gives every free thread the job whose turn it is. */
  serve(): void;
  /** The thread has nothing to do, or less: the job that waits longest is its next. */
  release(thread: HostThread): void;
  /** How many jobs run. */
  running(): number;
};

/** Which job runs on which thread: a suspect alone, when nothing else runs; else whoever's turn it is. */
export function jobDispatcher({ threads, waiting, trials, mayTry, onEnd }: DispatcherOptions): JobDispatcher {
  let running = 0;

  function beginOn(thread: HostThread, job: Job): void {
    running++;
    thread.invoke(job.send, (invoked) => {
      running--;
      onEnd(job, invoked, thread, trials.ended());
      release(thread);
    });
  }

  function serve(): void {
    while (!trials.holdOthers()) {
      if (waiting.size() === 0) return;
      const thread = threads.takeFree();
      if (thread === undefined) return;
      const job = waiting.next();
      if (job === undefined) {
        threads.rest(thread);
        return;
      }
      beginOn(thread, job);
    }
    if (running === 0) serveTrial();
  }

  function serveTrial(): void {
    const thread = threads.takeIdle();
    if (thread === undefined) return;
    const job = trials.next();
    if (job !== undefined && mayTry(job)) {
      trials.began();
      beginOn(thread, job);
    } else release(thread);
  }

  function release(thread: HostThread): void {
    threads.rest(thread);
    serve();
  }

  return {
    begin(job) {
      const thread = trials.holdOthers() ? undefined : threads.takeFree();
      if (thread === undefined) return false;
      beginOn(thread, job);
      return true;
    },
    serve,
    release,
    running: () => running,
  };
}
