import { Worker } from "node:worker_threads";
import type { Send, SendResult, Target } from "./target.ts";

// INTERIM
type Code = { version: string; folder: string; handler: string };
type Job = { send: Send; resolve: (r: SendResult) => void };
export function workerTarget(options: {
  resolve: (component: string, alias: string) => Code | undefined;
  logs: string;
  now: () => Date;
}) {
  const pools = new Map<string, { idle: Worker[]; all: Set<Worker>; queue: Job[] }>();
  const send: Target = (s) =>
    new Promise((resolve) => {
      const code = options.resolve(s.component, s.alias);
      if (code === undefined)
        return resolve({
          outcome: "failed",
          durationMs: 0,
          error: { type: "NoVersion", message: `no version behind ${s.alias}` },
        });
      const key = `${s.component}/${code.version}`;
      let pool = pools.get(key);
      if (pool === undefined) pools.set(key, (pool = { idle: [], all: new Set(), queue: [] }));
      pool.queue.push({ send: s, resolve });
      pump(pool, code);
    });
  function pump(pool: { idle: Worker[]; all: Set<Worker>; queue: Job[] }, code: Code): void {
    while (pool.queue.length > 0) {
      const first = pool.queue[0] as Job;
      let worker = pool.idle.pop();
      if (worker === undefined) {
        if (pool.all.size >= first.send.worker.concurrency) return;
        worker = new Worker(new URL("./worker-thread.ts", import.meta.url), {
          workerData: { folder: code.folder, handler: code.handler },
          env: first.send.worker.environment,
          execArgv: [],
          stdout: true,
        });
        worker.stdout.resume();
        worker.unref();
        pool.all.add(worker);
      }
      const { send: s, resolve } = pool.queue.shift() as Job;
      const start = performance.now();
      const w = worker;
      const finish = (r: SendResult, reuse: boolean) => {
        clearTimeout(timer);
        w.removeAllListeners("message");
        w.removeAllListeners("error");
        w.removeAllListeners("exit");
        if (reuse) pool.idle.push(w);
        else {
          pool.all.delete(w);
          void w.terminate();
        }
        resolve(r);
        pump(pool, code);
      };
      const timer = setTimeout(
        () =>
          finish(
            { outcome: "failed", durationMs: s.timeoutMs, error: { type: "Sandbox.Timedout", message: "timed out" } },
            false,
          ),
        s.timeoutMs,
      );
      w.once("message", (m: [string, string]) =>
        finish(
          m[0] === "done"
            ? { outcome: "done", executedVersion: code.version, durationMs: performance.now() - start }
            : {
                outcome: "failed",
                durationMs: performance.now() - start,
                executedVersion: code.version,
                error: { type: "Error", message: m[1] },
              },
          true,
        ),
      );
      w.once("error", (e) =>
        finish({ outcome: "failed", durationMs: 0, error: { type: "Error", message: String(e) } }, false),
      );
      w.once("exit", () =>
        finish({ outcome: "failed", durationMs: 0, error: { type: "Exit", message: "exit" } }, false),
      );
      w.postMessage(s.payload);
    }
  }
  return {
    send,
    async close() {
      for (const p of pools.values()) for (const w of p.all) await w.terminate();
    },
  };
}
