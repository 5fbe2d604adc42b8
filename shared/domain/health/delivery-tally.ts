import type { DeliveryError } from "../deliveries/delivery.ts";
import type { CountedOutcome } from "../deliveries/outcome-count.ts";
import { type CountKey, type CountSpan, type DeliveryCount, noCounts, spanStartMs } from "./delivery-count.ts";
import { bucketOf } from "./duration-buckets.ts";
import { errorFingerprint } from "./error-fingerprint.ts";
import { FAILURES_KEPT_PER_MINUTE, type Failure } from "./failure.ts";
import type { AttemptKind } from "./first-attempt.ts";

/** What is counted of one delivery: how it ended, and the attempt if something ran. */
export type CountedDelivery = CountKey & {
  outcome: CountedOutcome;
  /** It went to the fallback alias, for want of the one that the rules name. */
  fallback?: boolean;
  attempt?: { kind: AttemptKind; durationMs?: number; error?: DeliveryError };
  /** Of a first attempt that failed. */
  failure?: Failure;
};

/** All that one process has counted of a minute or an hour so far. */
export type CountedSpan = {
  span: CountSpan;
  from: Date;
  counts: readonly DeliveryCount[];
  /** Deliveries of earlier spans that were counted, but could not be stored for so long that they were given up. */
  dropped: number;
};

/** What is there to be stored: it takes the place of what was stored of the same spans before. */
export type CountsToStore = { spans: CountedSpan[]; failures: Failure[] };

/** Keys of one span, and fingerprints of one key. What comes beyond them is counted together. */
const MAX_KEYS = 300;
const MAX_ERRORS = 10;

/** Longest text that is counted by. */
const MAX_TEXT = 128;

/** What stands for all that is beyond what is told apart. */
export const OTHERS = "(others)";

/** How many spans are kept while they can't be stored. */
const KEPT: Record<CountSpan, number> = { minute: 10, hour: 2 };

const bothSpans = ["minute", "hour"] as const;

/** Failures that are kept while they can't be stored. */
const MAX_WAITING = 2_000;

type Sums = CountKey & ReturnType<typeof noCounts>;

type Counting = { from: number; sums: Map<string, Sums>; deliveries: number; dropped: number; changed: boolean };

/**
 * Adds up deliveries by the minute and the hour. What was taken and could not be stored is handed back, and is taken
 * again with what has come since. Memory is bounded, whatever events, versions and errors are called.
 */
export function deliveryTally() {
  const spans: Record<CountSpan, Counting[]> = { minute: [], hour: [] };
  let failures: Failure[] = [];
  let kept = new Map<string, number>();
  let keptIn = 0;

  /** A clock that was set back counts on in the newest span: what has been let go of can't be stored once more. */
  function countingOf(span: CountSpan, at: Date): Counting {
    const from = spanStartMs(at, span);
    const newest = spans[span].at(-1);
    if (newest !== undefined && newest.from >= from) return newest;
    const next: Counting = { from, sums: new Map(), deliveries: 0, dropped: 0, changed: false };
    spans[span].push(next);
    while (spans[span].length > KEPT[span]) {
      const given = spans[span].shift();
      if (given?.changed) next.dropped += given.deliveries + given.dropped;
    }
    return next;
  }

  function keep(failure: Failure, at: Date): void {
    const minute = spanStartMs(at, "minute");
    if (minute !== keptIn) [kept, keptIn] = [new Map(), minute];
    const key = `${failure.component} ${failure.version}`;
    const count = kept.get(key) ?? 0;
    if (count >= FAILURES_KEPT_PER_MINUTE || failures.length >= MAX_WAITING) return;
    kept.set(key, count + 1);
    failures.push(failure);
  }

  return {
    add(at: Date, counted: CountedDelivery): void {
      const key = keyText(counted);
      for (const span of bothSpans) {
        const counting = countingOf(span, at);
        addTo(sumsOf(counting, counted, key), counted);
        counting.deliveries += 1;
        counting.changed = true;
      }
      if (counted.failure !== undefined) keep(counted.failure, at);
    },
    /** What has changed since the last time this was asked. */
    take(): CountsToStore {
      const changed: CountedSpan[] = [];
      for (const span of bothSpans) {
        for (const counting of spans[span]) {
          if (!counting.changed) continue;
          counting.changed = false;
          changed.push(spanOf(span, counting));
        }
      }
      const taken = { spans: changed, failures };
      failures = [];
      return taken;
    },
    /** What was taken and couldn't be stored. */
    putBack(taken: CountsToStore): void {
      for (const { span, from } of taken.spans) {
        const counting = spans[span].find((known) => known.from === from.getTime());
        if (counting !== undefined) counting.changed = true;
      }
      failures = [...taken.failures, ...failures].slice(0, MAX_WAITING);
    },
  };
}

function sumsOf({ sums }: Counting, { component, version, alias, type }: CountKey, key: string): Sums {
  const known = sums.get(key);
  if (known !== undefined) return known;
  const isFull = sums.size >= MAX_KEYS;
  const named = { component, version: cut(version), alias, type: isFull ? OTHERS : cut(type) };
  // What is called the same once it is cut is counted together.
  const place = keyText(named);
  const there = sums.get(place);
  if (there !== undefined) return there;
  const anew = { ...named, ...noCounts() };
  sums.set(place, anew);
  return anew;
}

/** No two have the same, whatever they are called: the lengths say where each ends. */
function keyText({ component, version, alias, type }: CountKey): string {
  return `${component.length} ${version.length} ${alias.length} ${component}${version}${alias}${type}`;
}

function addTo(sums: Sums, { outcome, attempt }: CountedDelivery): void {
  add(sums.outcomes, outcome);
  if (attempt === undefined) return;
  if (attempt.kind === "retry") sums.retries += 1;
  else if (attempt.kind === "replayed") sums.replayed += 1;
  else {
    sums.firsts += 1;
    if (attempt.durationMs !== undefined) add(sums.durations, bucketOf(attempt.durationMs));
    if (attempt.error === undefined) return;
    sums.failed += 1;
    const fingerprint = errorFingerprint(attempt.error);
    add(sums.errors, sums.errors.has(fingerprint) || sums.errors.size < MAX_ERRORS ? fingerprint : OTHERS);
  }
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Copied: what goes on being counted must not change what is on its way to the store. */
function spanOf(span: CountSpan, { from, sums, dropped }: Counting): CountedSpan {
  const at = new Date(from);
  const counts = [...sums.values()].map((one) => ({
    ...one,
    at,
    outcomes: new Map(one.outcomes),
    durations: new Map(one.durations),
    errors: new Map(one.errors),
  }));
  return { span, from: at, counts, dropped };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1).toWellFormed()}…`;
}
