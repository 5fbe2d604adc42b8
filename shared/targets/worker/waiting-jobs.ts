import type { Send, SendResult } from "../target.ts";
import { deadlineTimer } from "./deadline-timer.ts";
import { fairLine } from "./fair-line.ts";

/**
 * How long a job may wait before those that come are refused, and before it is refused itself, where more wait than the
 * threads get through in that time. They come back later: a slow version may not fill the router with what waits for it.
 */
const CROWDED_AFTER_MS = 1_000;
const MAX_WAIT_MS = 2_000;

/** Jobs that may wait for as long as their leases allow, however slow the version, per thread. */
const MAY_ALWAYS_WAIT = 4;

/** A send on its way, and who waits for its result. `notBegun`: threads that ended before they looked at it. */
export type Job = { send: Send; resolve: (result: SendResult) => void; notBegun?: number };

/**
 * A job that waits: since when, on the clock; and until when, in `performance.now()`'s ms, and what then.
 *
 * Its job is taken out of it at its end. V8's maps and sets leave what they held behind as they grow, and the garbage that
 * is old already keeps that alive: it cost more to copy it than to allocate it.
 */
type Wait = { job: Job | undefined; group: string; arrival: number; sinceMs: number; dueMs: number; isLast: boolean };

export type WaitingOptions = {
  concurrency: number;
  now: () => Date;
  /** Whether any thread has loaded the code: nobody is refused while it is only being loaded. */
  isLoaded: () => boolean;
  /** Whether a job whose turn it is still is to be run here; if not, it has been sent to where it belongs now. */
  stillHere: (job: Job) => boolean;
  /** Told of a job that could not begin by its `latestStart`. */
  expire: (job: Job) => void;
  /** Told of a job that isn't let wait (any longer), with how many others do. */
  refuse: (job: Job, others: number) => void;
};

/** The jobs that no thread was free for, served project by project, each in the order they came. */
export type WaitingJobs = {
  size(): number;
  /** Lets the job wait, unless too many do. One that has been let wait before is let wait again. */
  add(job: Job, again?: boolean): void;
  /** Takes out whose turn it is; undefined when nobody waits. */
  next(): Job | undefined;
  /** Takes out all that have come, or only those up to that arrival. */
  takeAll(lastArrival?: number): Job[];
  /** The number of the last one that came. */
  lastArrival(): number;
  /** A job of this version has ended: how many do in a second says how many may wait. */
  served(at: Date): void;
};

export function waitingJobs({ concurrency, now, isLoaded, stillHere, expire, refuse }: WaitingOptions): WaitingJobs {
  const waiting = new Set<Wait>();
  const line = fairLine(({ group }: Wait) => group);
  const rate = perSecond();
  let arrivals = 0;

  /**
   * More wait than a slow version is granted. Asynchronous jobs may be any number: nobody's router waits for those.
   * @param others how many others wait
   */
  function isCrowded({ send }: Job, others: number): boolean {
    const served = (rate.of(now().getTime()) * MAX_WAIT_MS) / 1_000;
    return isLoaded() && others >= Math.max(concurrency * MAY_ALWAYS_WAIT, served) && send.invocation.kind === "sync";
  }

  function mayWait(job: Job, at: Date): boolean {
    const [oldest] = waiting;
    return !isCrowded(job, waiting.size) || oldest === undefined || at.getTime() - oldest.sinceMs < CROWDED_AFTER_MS;
  }

  const watch = deadlineTimer((nowMs) => {
    for (const wait of waiting) if (wait.dueMs <= nowMs) ring(wait);
    return waiting.size === 0 ? undefined : Math.min(...waiting.values().map(({ dueMs }) => dueMs));
  });

  /** It has waited for as long as it was let. */
  function ring(wait: Wait): void {
    const { job } = wait;
    if (job === undefined) return;
    if (!wait.isLast && !isCrowded(job, waiting.size - 1)) {
      wait.isLast = true;
      wait.dueMs = performance.now() + leftMs(job, now());
      watch(wait.dueMs);
      return;
    }
    takeOut(wait);
    if (wait.isLast) expire(job);
    else refuse(job, waiting.size);
  }

  function takeOut(wait: Wait): Job | undefined {
    const { job } = wait;
    waiting.delete(wait);
    line.remove(wait);
    wait.job = undefined;
    return job;
  }

  return {
    size: () => waiting.size,
    lastArrival: () => arrivals,
    served: (at) => rate.add(at.getTime()),
    add(job, again = false) {
      const at = now();
      if (!again && !mayWait(job, at)) return refuse(job, waiting.size);
      const { project, customer } = job.send.subject;
      const left = leftMs(job, at);
      const isLast = left <= MAX_WAIT_MS;
      const dueMs = performance.now() + Math.min(left, MAX_WAIT_MS);
      const group = project ?? customer ?? "";
      const wait = { job, group, arrival: ++arrivals, sinceMs: at.getTime(), dueMs, isLast };
      waiting.add(wait);
      line.add(wait);
      watch(dueMs);
    },
    next() {
      for (let wait = line.next(); wait !== undefined; wait = line.next()) {
        const job = takeOut(wait);
        if (job === undefined) continue;
        if (now() > job.send.latestStart) expire(job);
        else if (stillHere(job)) return job;
      }
      return undefined;
    },
    takeAll(lastArrival = Number.POSITIVE_INFINITY) {
      const taken = [...waiting].filter(({ arrival }) => arrival <= lastArrival);
      return taken.map(takeOut).filter((job) => job !== undefined);
    },
  };
}

function leftMs({ send }: Job, at: Date): number {
  return send.latestStart.getTime() - at.getTime();
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
