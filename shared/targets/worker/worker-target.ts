import { readFileSync } from "node:fs";
import { NO_VERSION } from "../../domain/deliveries/delivery-remedy.ts";
import type { WorkerSettings } from "../../domain/routing/component.ts";
import type { SendResult, Target } from "../target.ts";
import { type Host, type HostOptions, startHost } from "./host.ts";
import { environmentOf, INIT_TIMEOUT_MS } from "./host-environment.ts";
import type { HostedCode } from "./host-messages.ts";
import type { Walls } from "./host-walls.ts";
import { logFile } from "./log-file.ts";
import type { Job } from "./waiting-jobs.ts";
import { workerLog } from "./worker-log.ts";
import { type WorkerPool, workerPool } from "./worker-pool.ts";

/** How often pools are looked at that nobody uses any more. */
const SWEEP_MS = 60_000;

/** What an alias stands for at this moment; the digest is that of the code as it was published. */
type AliasedCode = { version: string; folder: string; handler: string; codeSha256: string };

export type WorkerTargetOptions = {
  /** The version behind an alias now; undefined when there is none. Asked at the beginning of every attempt. */
  resolve: (component: string, alias: string) => AliasedCode | undefined;
  /** Folder of the logs, `<component>/<version>.log`. */
  logs: string;
  /** The most that is kept of what a version has written. Default 20 MiB. */
  logBytes?: number;
  now: () => Date;
  /** How hosts are kept apart from this process and from each other. */
  walls: Walls;
  /** Where a debugger may reach the code, as `host:port`. Only for one host. Default: nowhere. */
  inspect?: string | undefined;
  /** How long a module may take to load. Default 10 s, as on Lambda. */
  initTimeoutMs?: number;
  /** A version that wasn't used for this long is unloaded. Default 5 minutes. */
  idleMs?: number;
  /** How long `close` waits for what runs. Default 5 s. */
  graceMs?: number;
  /** Hosts at once; beyond that the one that is idle for longest ends first. Default: what the file descriptors allow. */
  maxHosts?: number;
};

/**
 * Runs each version of a component in a host, a process of its own, and there in worker threads, the way Lambda's Node.js
 * runtime does: one event per thread at a time, `handler(event, context)`, a time limit, a limit for the response,
 * Lambda's names for what goes wrong. A version that hangs, crashes, leaks or ends its process costs what it runs at that
 * moment; the router and the other versions don't notice. A host starts with the first event for its version, and ends
 * when there was none for a while.
 *
 * Unlike on Lambda, a thread isn't frozen between events, threads of one version share a process and its working
 * directory (the version's folder), and modules are also looked for in the `node_modules` above the state folder.
 *
 * In `process.env` a handler sees the component's own environment, the server's PATH and TZ (a process has but one time
 * zone), AWS_REGION `local` and Lambda's AWS_LAMBDA_FUNCTION_NAME, _VERSION and _MEMORY_SIZE. The component's
 * environment wins, except over those that begin with AWS_LAMBDA_.
 */
export function workerTarget({
  resolve,
  logs,
  logBytes,
  now,
  walls,
  inspect,
  initTimeoutMs = INIT_TIMEOUT_MS,
  idleMs = 300_000,
  graceMs = 5_000,
  maxHosts = hostsFor(descriptorLimit()),
}: WorkerTargetOptions): { send: Target; hosts(): number; close(): Promise<void> } {
  const pools = new Map<string, WorkerPool>();
  const unloading = new Set<Promise<void>>();
  let hosts = 0;
  const settingsTexts = new WeakMap<WorkerSettings, string>();
  /** The pool of the last event, which mostly is that of the next one, too. */
  let last: { component: string; worker: WorkerSettings; version: string; pool: WorkerPool } | undefined;

  /** Aliases of one version share its pool; other settings need another, since threads keep the ones they began with. */
  function poolOf({ component, worker }: Job["send"], aliased: AliasedCode): WorkerPool {
    const { version } = aliased;
    if (last?.worker === worker && last.version === version && last.component === component) return last.pool;
    let settings = settingsTexts.get(worker);
    if (settings === undefined) {
      settings = JSON.stringify(worker);
      settingsTexts.set(worker, settings);
    }
    const key = `${component} ${version} ${settings}`;
    const pool = pools.get(key) ?? openPool(key, component, worker, aliased);
    last = { component, worker, version, pool };
    return pool;
  }

  function openPool(key: string, component: string, worker: WorkerSettings, aliased: AliasedCode): WorkerPool {
    const { memoryMb, concurrency } = worker;
    const code: HostedCode = { component, ...aliased, memoryMb, concurrency, initTimeoutMs };
    const environment = environmentOf(code, worker.environment);
    const log = workerLog(logFile(logs, component, aliased.version), logBytes);
    const inPool: WorkerPool = workerPool({
      code,
      startHost: () => begin({ code, environment, walls, inspect, log, now }),
      now,
      onNoRoom: unloadIdlest,
      stillHere: (job) => {
        const current = findPool(job);
        if (current !== pool) current?.run(job);
        return current === pool;
      },
    });
    const pool: WorkerPool = { ...inPool, close: (waitMs) => inPool.close(waitMs).then(() => log.close()) };
    pools.set(key, pool);
    return pool;
  }

  /** The pool that the job belongs to at this moment; undefined when there is none, and the job has been told. */
  function findPool({ send, resolve: answer }: Job): WorkerPool | undefined {
    const { component, alias, address } = send;
    if (address.kind !== "worker") {
      answer(failed("WrongTarget", `a target of kind '${address.kind}' doesn't run in a host`));
      return undefined;
    }
    try {
      const aliased = resolve(component, alias);
      if (aliased !== undefined) return poolOf(send, aliased);
      answer(failed(NO_VERSION, `there is no version behind alias '${alias}' of ${component}`));
    } catch (error) {
      const message = `the version behind '${alias}' of ${component} couldn't be looked up: ${String(error)}`;
      answer(failed("VersionLookupFailed", message));
    }
    return undefined;
  }

  function unload(key: string, pool: WorkerPool, waitMs: number): void {
    pools.delete(key);
    last = undefined;
    const closed: Promise<void> = pool.close(waitMs).finally(() => unloading.delete(closed));
    unloading.add(closed);
  }

  function begin(options: HostOptions): Host {
    if (hosts >= maxHosts) unloadIdlest();
    const host = startHost({ ...options, mayStart: hosts < maxHosts });
    hosts++;
    void host.ended.then(() => hosts--);
    return host;
  }

  /** Makes room for another host. */
  function unloadIdlest(): void {
    const idle = [...pools].flatMap(([key, pool]) => {
      const sinceMs = pool.idleSince();
      return sinceMs === undefined || pool.isEmpty() ? [] : [{ key, pool, sinceMs }];
    });
    const [idlest] = idle.sort((a, b) => a.sinceMs - b.sinceMs);
    if (idlest !== undefined) unload(idlest.key, idlest.pool, 0);
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
    hosts: () => hosts,
    /** Refuses what waits, gives what runs its grace, then ends all threads. */
    async close() {
      closed = true;
      clearInterval(sweeping);
      for (const [key, pool] of pools) unload(key, pool, graceMs);
      await Promise.all(unloading);
    },
  };
}

/** Descriptors that are left for connections, the state file, bodies and logs; and those that a host takes. */
const DESCRIPTORS_KEPT = 64;
const DESCRIPTORS_PER_HOST = 5;
const MOST_HOSTS = 512;

function hostsFor(descriptors: number): number {
  return Math.max(2, Math.min(MOST_HOSTS, Math.floor((descriptors - DESCRIPTORS_KEPT) / DESCRIPTORS_PER_HOST)));
}

/** How many files this process may have open; elsewhere than on Linux it can't be asked. */
function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Number(soft ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function failed(type: string, message: string): SendResult {
  return { outcome: "failed", error: { type, message }, durationMs: 0 };
}
