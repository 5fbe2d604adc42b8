import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** What a number of batches, one after the other, took. CPU is user and system time of the pipeline's process alone. */
export type Round = { batchMs: number[]; totalMs: number; cpuMs: number };

export type PipelineName = "turnout" | "turnout with wide lines" | "turnout without counts" | "powertools";

export type Pipeline = { round(batches: number): Promise<Round>; stop(): Promise<void> };

/**
 * Starts a pipeline in a process of its own, with its AWS clients pointed at the stub. `BENCH_PIPELINE_ARGS` are given to
 * its Node, such as `--cpu-prof --cpu-prof-dir=/tmp/profiles`.
 */
export async function startPipeline(name: PipelineName, endpoint: string): Promise<Pipeline> {
  const child = fork(join(import.meta.dirname, "pipeline-process.ts"), [name], {
    env: {
      PATH: process.env.PATH,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: "bench",
      AWS_SECRET_ACCESS_KEY: "bench",
    },
    // What it logs is drained by the kernel, as a log that keeps up.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: (process.env.BENCH_PIPELINE_ARGS ?? "").split(" ").filter((argument) => argument !== ""),
  });
  const exited = once(child, "exit");
  const answer = async <T>(): Promise<T> => {
    const [message] = await Promise.race([once(child, "message"), exited.then(() => failed(name))]);
    return message as T;
  };
  await answer();
  return {
    round(batches) {
      const done = answer<Round>();
      child.send(batches);
      return done;
    },
    async stop() {
      child.disconnect();
      await exited;
    },
  };
}

function failed(name: string): never {
  throw new Error(`the pipeline '${name}' ended; what it said is above`);
}
