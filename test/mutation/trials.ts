import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Trial, Verdict } from "./mutant-process.ts";

const PROGRAM = fileURLToPath(new URL("./mutant-process.ts", import.meta.url));

/** Makes trials one by one, in a process of its own: a mutant that loops for ever is ended with it. */
export function trials() {
  let child: ChildProcess | undefined;

  async function started(): Promise<ChildProcess> {
    if (child !== undefined) return child;
    child = fork(PROGRAM, {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    await once(child, "message");
    return child;
  }

  function stop(): void {
    child?.kill("SIGKILL");
    child = undefined;
  }

  return {
    async run(trial: Trial, withinMs: number): Promise<Verdict | "timed out"> {
      const process = await started();
      const over = new AbortController();
      const until = { signal: over.signal };
      const answer = once(process, "message", until).then(([verdict]) => verdict as Verdict);
      const died = once(process, "exit", until).then(() => "died" as const);
      // Whichever of the two doesn't come is no longer waited for.
      for (const waiting of [answer, died]) waiting.catch(() => {});
      process.send(trial);
      const { promise: late, resolve } = Promise.withResolvers<"timed out">();
      const timer = setTimeout(() => resolve("timed out"), withinMs);
      const verdict = await Promise.race([answer, died, late]);
      clearTimeout(timer);
      over.abort();
      if (verdict === "timed out" || verdict === "died") stop();
      return verdict === "died" ? "failed" : verdict;
    },
    stop,
  };
}
