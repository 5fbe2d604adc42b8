import type { DeliveryError } from "../domain/delivery.ts";
import { fairLine } from "./fair-line.ts";
import type { Send, SendResult } from "./target.ts";
import type { WorkerLog } from "./worker-log.ts";
import { type Sandbox, startSandbox } from "./worker-sandbox.ts";
import type { WorkerCode } from "./worker-thread.ts";

/** How often the heaps of threads that run something are looked at. */
const MEMORY_CHECK_MS = 50;

/** How long stopped threads are waited for: longer than a thread takes that has to be terminated. */
const STOP_GRACE_MS = 2_000;

/**
 * How long a job may wait before those that come are refused, and before it is refused itself, where more wait than the
 * threads get through in that time. They come back later: a slow version may not fill the router with what waits for it.
 */
const CROWDED_AFTER_MS = 1_000;
const MAX_WAIT_MS = 2_000;

/** Jobs that may wait for as long as their leases allow, however slow the version, per thread. */
const MAY_ALWAYS_WAIT = 4;

/** Node's longest timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A send on its way, and who waits for its result. */
export type Job = { send: Send; resolve: (result: SendResult) => void };

export type PoolOptions = {
  code: WorkerCode;
  concurrency: number;
  environment: Record<string, string>;
  initTimeoutMs: number;
  log: WorkerLog;
  now: () => Date;
  /** Whether a job that had to wait still is this version's; if not, it has been sent to where it belongs now. */
  stillHere: (job: Job) => boolean;
};

/** One version's threads: as many as are needed at once, up to its concurrency; idle ones are kept. */
export type WorkerPool = {
  /** Begins the job with the next free thread; jobs that wait are served project by project, each in the order they came. */
  run(job: Job): void;
  /** When it was last used, in ms since the epoch; undefined while something runs or waits. */
  idleSince(): number | undefined;
  /** Refuses what waits, gives what runs so much time, and ends the threads. */
  close(graceMs: number): Promise<void>;
};

export function workerPool({ concurrency, stillHere, ...options }: PoolOptions): WorkerPool {
  const { code, log, now } = options;
  const name = `${code.component} version ${code.version}`;
  const sandboxes = new Set<Sandbox>();
  const idle: Sandbox[] = [];
  const waiting = new Map<Job, { timer: NodeJS.Timeout; arrival: number; sinceMs: number }>();
  const line = fairLine(({ send: { subject } }: Job) => subject.project ?? subject.customer ?? "");
  const allDone = Promise.withResolvers<void>();
  let arrivals = 0;
  let starting = 0;
  let running = 0;
  let lastUsedMs = now().getTime();
  let closed = false;
  const rate = perSecond();
  /** Why the latest thread couldn't load the code; undefined once one could. */
  let loadFailure: DeliveryError | undefined;
  const memoryChecks = setInterval(() => {
    for (const sandbox of sandboxes) sandbox.checkMemory();
  }, MEMORY_CHECK_MS).unref();

  function run(job: Job): void {
    const at = now();
    lastUsedMs = at.getTime();
    if (closed) refuse(job);
    else if (at > job.send.latestStart) expire(job);
    else beginOrWait(job, at);
  }

  function beginOrWait(job: Job, at: Date): void {
    const sandbox = nextIdle();
    if (sandbox !== undefined) begin(sandbox, job);
    else if (!mayWait(job, at)) job.resolve(noRoom());
    else {
      const leftMs = job.send.latestStart.getTime() - at.getTime();
      if (leftMs > MAX_WAIT_MS) wait(job, at, MAX_WAIT_MS, refuseIfCrowded);
      else wait(job, at, leftMs, expire);
      grow();
    }
  }

  function wait(job: Job, at: Date, ms: number, then: (job: Job) => void): void {
    const since = waiting.get(job) ?? { sinceMs: at.getTime(), arrival: ++arrivals };
    line.add(job);
    waiting.set(job, { ...since, timer: setTimeout(then, Math.max(0, Math.min(ms, MAX_TIMER_MS)), job) });
  }

  /**
   * More wait than a slow version is granted. Not while it is only being loaded, and asynchronous jobs may be any number:
   * nobody's router waits for those.
   * @param others how many others wait
   */
  function isCrowded({ send }: Job, others: number): boolean {
    const loaded = sandboxes.size > starting;
    const served = (rate.of(now().getTime()) * MAX_WAIT_MS) / 1_000;
    return loaded && others >= Math.max(concurrency * MAY_ALWAYS_WAIT, served) && send.invocation.kind === "sync";
  }

  function mayWait(job: Job, at: Date): boolean {
    const [oldest] = waiting.values();
    return !isCrowded(job, waiting.size) || oldest === undefined || at.getTime() - oldest.sinceMs < CROWDED_AFTER_MS;
  }

  function refuseIfCrowded(job: Job): void {
    if (isCrowded(job, waiting.size - 1)) {
      forget(job);
      job.resolve(noRoom());
    } else wait(job, now(), job.send.latestStart.getTime() - now().getTime(), expire);
  }

  function noRoom(): SendResult {
    return throttled("NoRoom", `${waiting.size} events wait for the ${concurrency} workers of ${name} already`);
  }

  function begin(sandbox: Sandbox, job: Job): void {
    running++;
    void sandbox.invoke(job.send).then((result) => {
      running--;
      lastUsedMs = now().getTime();
      rate.add(lastUsedMs);
      release(sandbox);
      if (result.outcome === "not begun") run(job);
      else job.resolve(result);
      if (closed && running === 0) allDone.resolve();
    });
  }

  /** The thread has nothing to do: the job that waits longest is its next. */
  function release(sandbox: Sandbox): void {
    if (sandbox.state() !== "ready") return;
    const job = nextJob();
    if (job === undefined) idle.push(sandbox);
    else begin(sandbox, job);
  }

  function nextIdle(): Sandbox | undefined {
    for (;;) {
      const sandbox = idle.pop();
      if (sandbox === undefined || sandbox.state() === "ready") return sandbox;
    }
  }

  function nextJob(): Job | undefined {
    for (let job = line.next(); job !== undefined; job = line.next()) {
      forget(job);
      if (now() > job.send.latestStart) expire(job);
      else if (stillHere(job)) return job;
    }
    return undefined;
  }

  function forget(job: Job): void {
    clearTimeout(waiting.get(job)?.timer);
    waiting.delete(job);
    line.remove(job);
  }

  function expire(job: Job): void {
    forget(job);
    const by = job.send.latestStart.toISOString();
    // A version that never loads must not be put off for ever without ever counting as failed.
    if (loadFailure !== undefined) job.resolve(failed(loadFailure));
    else job.resolve(throttled("NoFreeWorker", `none of the ${concurrency} workers of ${name} was free by ${by}`));
  }

  /** A thread that is ending still counts: it may still hold its memory and a core. */
  function grow(): void {
    try {
      while (!closed && waiting.size > starting && sandboxes.size < concurrency) follow(startSandbox(options));
    } catch (error) {
      const message = `no thread could be started: ${error instanceof Error ? error.message : String(error)}`;
      failWaiting({ type: "Sandbox.StartFailed", message }, arrivals);
    }
  }

  function follow(sandbox: Sandbox): void {
    const before = arrivals;
    sandboxes.add(sandbox);
    starting++;
    void sandbox.loaded.then((failure) => {
      starting--;
      if (failure === undefined) {
        loadFailure = undefined;
        release(sandbox);
      } else failWaiting({ type: failure.type, message: failure.message }, before);
    });
    void sandbox.ended.then(() => {
      sandboxes.delete(sandbox);
      const index = idle.indexOf(sandbox);
      if (index >= 0) idle.splice(index, 1);
      grow();
    });
  }

  /**
   * Tells the failure to whoever waited for the thread since it was started, unless others do run the code. Who came
   * later gets a thread that is started later.
   */
  function failWaiting(failure: DeliveryError, lastArrival: number): void {
    if ([...sandboxes].some((sandbox) => sandbox.state() === "ready")) return;
    loadFailure = failure;
    for (const [job, { arrival }] of waiting) {
      if (arrival > lastArrival) return;
      forget(job);
      if (stillHere(job)) job.resolve(failed(failure));
    }
  }

  function failed(error: DeliveryError): SendResult {
    return { outcome: "failed", error, executedVersion: code.version, durationMs: 0 };
  }

  return {
    run,
    idleSince: () => (running === 0 && waiting.size === 0 ? lastUsedMs : undefined),
    async close(graceMs) {
      closed = true;
      for (const job of waiting.keys()) {
        forget(job);
        refuse(job);
      }
      if (running > 0) await within(graceMs, allDone.promise);
      clearInterval(memoryChecks);
      for (const sandbox of sandboxes) sandbox.stop();
      const gone = Promise.all([...sandboxes].map(({ ended }) => ended)).then(() => log.close());
      await within(STOP_GRACE_MS, gone);
    },
  };
}

/** How many there were within about the last second. */
function perSecond() {
  let second = 0;
  let [inThis, inLast] = [0, 0];
  const turn = (atMs: number) => {
    const current = Math.floor(atMs / 1_000);
    if (current === second) return;
    [inLast, inThis] = [current === second + 1 ? inThis : 0, 0];
    second = current;
  };
  return {
    add(atMs: number): void {
      turn(atMs);
      inThis += 1;
    },
    of(atMs: number): number {
      turn(atMs);
      return Math.max(inThis, inLast);
    },
  };
}

function refuse(job: Job): void {
  job.resolve(throttled("ShuttingDown", "Turnout is being stopped"));
}

function throttled(type: string, message: string): SendResult {
  return { outcome: "throttled", error: { type, message } };
}

/** Waits for the promise, but no longer than this. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([promise, late.promise]);
  clearTimeout(timer);
}
