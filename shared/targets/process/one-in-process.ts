import type { Sandbox, ThreadJob, ThreadResult } from "../worker/worker-sandbox.ts";

/** A process that takes one event at a time. */
export type OneInProcess = Omit<Sandbox, "takeBack">;

/** The process with a line before it, in which what it is given meanwhile waits. */
export function withLine(process: OneInProcess): Sandbox {
  const waiting: { job: ThreadJob; answer: (result: ThreadResult) => void }[] = [];
  /** Undefined while nothing runs. */
  let beganMs: number | undefined;

  function begin(job: ThreadJob, answer: (result: ThreadResult) => void): void {
    beganMs = performance.now();
    process.invoke(job, (result) => {
      beganMs = undefined;
      answer(result);
      if (process.state() !== "ready") giveBack();
      const next = waiting.shift();
      if (next !== undefined) begin(next.job, next.answer);
    });
  }

  function giveBack(): void {
    for (const { answer } of waiting.splice(0)) answer({ outcome: "not begun" });
  }

  return {
    ...process,
    invoke(job, answer) {
      if (beganMs === undefined) begin(job, answer);
      else waiting.push({ job, answer });
    },
    takeBack(beganBeforeMs) {
      if (beganMs !== undefined && beganMs <= beganBeforeMs) giveBack();
    },
  };
}
