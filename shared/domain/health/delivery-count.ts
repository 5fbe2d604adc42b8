import type { CountedOutcome } from "../deliveries/outcome-count.ts";

/** What deliveries are counted by. An empty text: there was none, or nobody knows. */
export type CountKey = { component: string; version: string; alias: string; type: string };

/** How long the spans are that deliveries are counted in. An hour has all that its minutes have. */
export const countSpans = { minute: 60_000, hour: 3_600_000 } as const;
export type CountSpan = keyof typeof countSpans;

/**
 * What was counted of deliveries of one key. What judges a version are its first attempts: a delivery's first run, live.
 * Everything else is counted beside them.
 */
export type Counts = {
  firsts: number;
  /** Of the first attempts. */
  failed: number;
  /** Live attempts that ran, and weren't the first. */
  retries: number;
  /** Attempts that a replay made. */
  replayed: number;
  outcomes: ReadonlyMap<CountedOutcome, number>;
  /** Durations of the first attempts. */
  durations: ReadonlyMap<number, number>;
  /** Failed first attempts by the error's fingerprint. */
  errors: ReadonlyMap<string, number>;
};

export type DeliveryCount = CountKey & Counts & { at: Date };

/** Nothing yet: whoever made it may count on in it. */
export function noCounts() {
  return {
    firsts: 0,
    failed: 0,
    retries: 0,
    replayed: 0,
    outcomes: new Map<CountedOutcome, number>(),
    durations: new Map<number, number>(),
    errors: new Map<string, number>(),
  } satisfies Counts;
}

export function spanStart(at: Date, span: CountSpan): Date {
  return new Date(spanStartMs(at, span));
}

export function spanStartMs(at: Date, span: CountSpan): number {
  const ms = countSpans[span];
  return Math.floor(at.getTime() / ms) * ms;
}

export function addedUp(all: readonly Counts[]): Counts {
  const sum = (of: (counts: Counts) => number) => all.reduce((total, counts) => total + of(counts), 0);
  return {
    firsts: sum(({ firsts }) => firsts),
    failed: sum(({ failed }) => failed),
    retries: sum(({ retries }) => retries),
    replayed: sum(({ replayed }) => replayed),
    outcomes: merged(all.map(({ outcomes }) => outcomes)),
    durations: merged(all.map(({ durations }) => durations)),
    errors: merged(all.map(({ errors }) => errors)),
  };
}

function merged<K>(all: readonly ReadonlyMap<K, number>[]): Map<K, number> {
  const sums = new Map<K, number>();
  for (const counts of all) for (const [key, count] of counts) sums.set(key, (sums.get(key) ?? 0) + count);
  return sums;
}
