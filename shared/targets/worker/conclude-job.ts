import type { HostThread, Invoked } from "./host-thread.ts";
import { type JobAnswers, MOST_NOT_BEGUN } from "./job-answers.ts";
import type { SuspectEvents } from "./suspect-events.ts";
import type { Job } from "./waiting-jobs.ts";

export type Conclusion = {
  answers: JobAnswers;
  suspects: SuspectEvents;
  at: Date;
  /** Gives the job to another thread. */
  runAgain: (job: Job) => void;
};

/** What came of a job that its version didn't end itself: where only its host is to blame it comes again, alone if need be. */
export function concludeJob(
  job: Job,
  invoked: Exclude<Invoked, { outcome: "done" | "failed" }>,
  thread: HostThread,
  { answers, suspects, at, runAgain }: Conclusion,
): void {
  switch (invoked.outcome) {
    case "crashed":
      job.resolve(answers.failed(invoked.error, invoked.durationMs));
      return;
    case "suspected":
      suspects.suspect(job.send, at);
      job.resolve(answers.suspected());
      return;
    case "interrupted":
      suspects.wasBeside(job.send, at);
      job.resolve(answers.interrupted());
      return;
    case "not begun":
      // Not where it was only taken back from a thread that is busy.
      if (thread.state() !== "ready") job.notBegun = (job.notBegun ?? 0) + 1;
      if ((job.notBegun ?? 0) < MOST_NOT_BEGUN) runAgain(job);
      else job.resolve(answers.neverBegun());
      return;
    case "stopped":
      job.resolve(answers.stopped());
      return;
  }
}
