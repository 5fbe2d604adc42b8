import type { Sandbox, ThreadJob, ThreadResult } from "../worker/worker-sandbox.ts";

/** A process that takes one event at a time. */
export type OneInProcess = Omit<Sandbox, "takeBack">;

/** The process with a line before it, in which what it is given meanwhile waits. */
export function withLine(process: OneInProcess): Sandbox {
  const waiting: { job: ThreadJob; resolve: (result: ThreadResult) => void }[] = [];
  /** Undefined while nothing runs. */
  let beganMs: number | undefined;
  let told = Promise.resolve();

  function begin(job: ThreadJob, resolve: (result: ThreadResult) => void): void {
    beganMs = performance.now();
    told = process.invoke(job).then((result) => {
      beganMs = undefined;
      resolve(result);
      if (process.state() !== "ready") giveBack();
      const next = waiting.shift();
      if (next !== undefined) begin(next.job, next.resolve);
    });
  }

  function giveBack(): void {
    for (const { resolve } of waiting.splice(0)) resolve({ outcome: "not begun" });
  }

  return {
    ...process,
    // What came of its last event is told first.
    ended: process.ended.then(() => told),
    invoke: (job) =>
      new Promise((resolve) => {
        if (beganMs === undefined) begin(job, resolve);
        else waiting.push({ job, resolve });
      }),
    takeBack(beganBeforeMs) {
      if (beganMs !== undefined && beganMs <= beganBeforeMs) giveBack();
    },
  };
}
