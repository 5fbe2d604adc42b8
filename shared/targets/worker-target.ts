import { join } from "node:path";
import type { WorkerSettings } from "../domain/component.ts";
import type { SendResult, Target } from "./target.ts";
import { workerLog } from "./worker-log.ts";
import { type Job, type WorkerPool, workerPool } from "./worker-pool.ts";

/** How often pools are looked at that nobody uses any more. */
const SWEEP_MS = 60_000;

/** What an alias stands for at this moment. */
type AliasedCode = { version: string; folder: string; handler: string };

export type WorkerTargetOptions = {
  /** The version behind an alias now; undefined when there is none. Asked at the beginning of every attempt. */
  resolve: (component: string, alias: string) => AliasedCode | undefined;
  /** Folder of the logs, `<component>/<version>.log`. */
  logs: string;
  now: () => Date;
  /** How long a module may take to load. Default 10 s, as on Lambda. */
  initTimeoutMs?: number;
  /** A version that wasn't used for this long is unloaded. Default 5 minutes. */
  idleMs?: number;
  /** How long `close` waits for what runs. Default 5 s. */
  graceMs?: number;
};

/**
 * Runs each version of a component in worker threads of its own, the way Lambda's Node.js runtime does: one event per
 * thread at a time, `handler(event, context)`, a time limit, a limit for the response, Lambda's names for what goes
 * wrong. A version that hangs, crashes or leaks loses its thread; the others don't notice. Its threads keep the process
 * alive until the target is closed.
 *
 * Unlike on Lambda, versions share one process. A crash in native code ends it, and so may one allocation of hundreds of
 * MB beyond `memoryMb`; code that can't be interrupted (native code, some loops that V8 has optimised) keeps its thread;
 * a thread isn't frozen between events; memory outside of the heap (Buffers) isn't limited; and modules are also looked
 * for in the `node_modules` above the state folder.
 *
 * In `process.env` a handler sees the component's own environment, the host's PATH and TZ (a process has but one time
 * zone), AWS_REGION `local` and Lambda's AWS_LAMBDA_FUNCTION_NAME, _VERSION and _MEMORY_SIZE. The component's
 * environment wins, except over those that begin with AWS_LAMBDA_.
 */
export function workerTarget({
  resolve,
  logs,
  now,
  initTimeoutMs = 10_000,
  idleMs = 300_000,
  graceMs = 5_000,
}: WorkerTargetOptions): { send: Target; close(): Promise<void> } {
  const pools = new Map<string, WorkerPool>();
  const unloading = new Set<Promise<void>>();
  const settingsTexts = new WeakMap<WorkerSettings, string>();

  /** Aliases of one version share its pool; other settings need another, since threads keep the ones they began with. */
  function poolOf({ component, worker }: Job["send"], aliased: AliasedCode): WorkerPool {
    let settings = settingsTexts.get(worker);
    if (settings === undefined) {
      settings = JSON.stringify(worker);
      settingsTexts.set(worker, settings);
    }
    const key = `${component} ${aliased.version} ${settings}`;
    const known = pools.get(key);
    if (known !== undefined) return known;
    const code = { component, ...aliased, memoryMb: worker.memoryMb };
    const pool: WorkerPool = workerPool({
      code,
      concurrency: worker.concurrency,
      environment: environmentOf(code, worker.environment),
      initTimeoutMs,
      log: workerLog(join(logs, component, `${aliased.version}.log`)),
      now,
      stillHere: (job) => {
        const current = findPool(job);
        if (current !== pool) current?.run(job);
        return current === pool;
      },
    });
    pools.set(key, pool);
    return pool;
  }

  /** The pool that the job belongs to at this moment; undefined when there is none, and the job has been told. */
  function findPool({ send, resolve: answer }: Job): WorkerPool | undefined {
    const { component, alias, address } = send;
    if (address.kind !== "worker") {
      answer(failed("WrongTarget", `a target of kind '${address.kind}' doesn't run in worker threads`));
      return undefined;
    }
    try {
      const aliased = resolve(component, alias);
      if (aliased !== undefined) return poolOf(send, aliased);
      const remedy = `Publish one: turnout publish-version ${component} FOLDER --alias ${alias}`;
      answer(failed("NoVersion", `there is no version behind alias '${alias}' of ${component}. ${remedy}`));
    } catch (error) {
      const message = `the version behind '${alias}' of ${component} couldn't be looked up: ${String(error)}`;
      answer(failed("VersionLookupFailed", message));
    }
    return undefined;
  }

  function unload(key: string, pool: WorkerPool, waitMs: number): void {
    pools.delete(key);
    const closed = pool.close(waitMs).finally(() => unloading.delete(closed));
    unloading.add(closed);
  }

  const sweeping = setInterval(() => {
    const oldestMs = now().getTime() - idleMs;
    for (const [key, pool] of pools) {
      const sinceMs = pool.idleSince();
      if (sinceMs !== undefined && sinceMs <= oldestMs) unload(key, pool, 0);
    }
  }, SWEEP_MS).unref();
  let closed = false;

  return {
    send: (send) =>
      new Promise<SendResult>((answer) => {
        const job: Job = { send, resolve: answer };
        if (closed)
          answer({ outcome: "throttled", error: { type: "ShuttingDown", message: "Turnout is being stopped" } });
        else findPool(job)?.run(job);
      }),
    /** Refuses what waits, gives what runs its grace, then ends all threads. */
    async close() {
      closed = true;
      clearInterval(sweeping);
      for (const [key, pool] of pools) unload(key, pool, graceMs);
      await Promise.all(unloading);
    },
  };
}

function environmentOf(
  { component, version, memoryMb }: { component: string; version: string; memoryMb: number },
  own: Record<string, string>,
): Record<string, string> {
  const { PATH, TZ } = process.env;
  return {
    ...(PATH === undefined ? {} : { PATH }),
    ...(TZ === undefined ? {} : { TZ }),
    AWS_REGION: "local",
    ...own,
    AWS_LAMBDA_FUNCTION_NAME: component,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
  };
}

function failed(type: string, message: string): SendResult {
  return { outcome: "failed", error: { type, message }, durationMs: 0 };
}
