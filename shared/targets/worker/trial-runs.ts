import type { Job } from "./waiting-jobs.ts";

/** Suspects that have come again. Each is run alone, before all others. */
export type TrialRuns = {
  size(): number;
  /** Whether all else has to wait: one of them runs, or waits to. */
  holdOthers(): boolean;
  add(job: Job): void;
  next(): Job | undefined;
  takeAll(): Job[];
  /** The one that was taken out runs. */
  began(): void;
  /** A job has ended. Returns whether it ran alone. */
  ended(): boolean;
  /** Whether the job that ended last ran alone. */
  wasLast(): boolean;
};

export function trialRuns(): TrialRuns {
  const due: Job[] = [];
  let runs = false;
  let wasLast = false;
  return {
    size: () => due.length,
    holdOthers: () => runs || due.length > 0,
    add: (job) => void due.push(job),
    next: () => due.shift(),
    takeAll: () => due.splice(0),
    began() {
      runs = true;
    },
    ended() {
      wasLast = runs;
      runs = false;
      return wasLast;
    },
    wasLast: () => wasLast,
  };
}
