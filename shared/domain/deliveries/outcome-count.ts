/** What is counted of deliveries; the words are those of `DeliveryReport`. */
export const countedOutcomes = [
  "done",
  "accepted",
  "failed",
  "dead",
  "postponed",
  "duplicate",
  "redelivered",
  "rejected",
] as const;
export type CountedOutcome = (typeof countedOutcomes)[number];

/**
 * How many deliveries of a component's version had an outcome within a minute. Approximate: a router that ends between
 * the close and the count leaves some out, and a count whose answer was lost may be there twice. The ledger is exact.
 */
export type OutcomeCount = {
  /** The minute's beginning. */
  minute: Date;
  component: string;
  /** The version that ran; empty when none did. */
  version: string;
  outcome: CountedOutcome;
  count: number;
};

const MINUTE_MS = 60_000;

export function minuteOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS);
}

/** Adds up outcomes until they are taken to be written. */
export function outcomeTally() {
  let counts = new Map<string, OutcomeCount>();
  return {
    add(at: Date, component: string, version: string, outcome: CountedOutcome, count = 1): void {
      const minute = minuteOf(at);
      const key = `${minute.getTime()} ${component} ${outcome} ${version}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { minute, component, version, outcome, count });
      else known.count += count;
    },
    /** What has been added since the last time this was asked. */
    take(): OutcomeCount[] {
      const taken = [...counts.values()];
      counts = new Map();
      return taken;
    },
  };
}
