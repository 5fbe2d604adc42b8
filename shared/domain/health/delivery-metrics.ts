import type { CountedDelivery } from "./delivery-tally.ts";
import { MAX_METRIC_VALUES, type Metric } from "./metric-document.ts";

/** What an invocation of a function has measured of one version of a component, or of all that it did. */
type MeasuredDeliveries = { dimensions: Record<string, string>; metrics: Record<string, Metric> };

type Sums = Record<keyof typeof counted, number> & { component: string; version: string; durations: number[] };

/** What is added up, by its metric's name, and when one delivery adds to it. */
const counted = {
  FirstAttempts: ({ attempt }) => attempt?.kind === "first",
  FailedFirstAttempts: ({ attempt }) => attempt?.kind === "first" && attempt.error !== undefined,
  Retries: ({ attempt }) => attempt?.kind === "retry",
  Dead: ({ outcome }) => outcome === "dead",
  Rejected: ({ outcome }) => outcome === "rejected",
  Duplicates: ({ outcome }) => outcome === "duplicate",
  Fallbacks: ({ fallback }) => fallback === true,
} satisfies Record<string, (delivery: CountedDelivery) => boolean>;

const names = Object.keys(counted) as (keyof typeof counted)[];

/** Adds up what an invocation does, to be printed once at its end: a line per component and version, not per event. */
export function deliveryMetrics() {
  let sums = new Map<string, Sums>();
  return {
    add(delivery: CountedDelivery): void {
      const { component, version, attempt } = delivery;
      const key = `${component} ${version}`;
      const own = sums.get(key) ?? nothing(component, version);
      sums.set(key, own);
      for (const name of names) if (counted[name](delivery)) own[name] += 1;
      if (attempt?.kind !== "first" || attempt.durationMs === undefined) return;
      if (own.durations.length < MAX_METRIC_VALUES) own.durations.push(attempt.durationMs);
    },
    /** By component and version, and in all; nothing of it is kept. */
    take(): { byVersion: MeasuredDeliveries[]; inAll: Record<string, Metric> } {
      const taken = [...sums.values()];
      sums = new Map();
      const byVersion = taken.flatMap((own): MeasuredDeliveries[] => {
        const { component, version, durations } = own;
        const metrics = countsOf((name) => own[name]);
        if (durations.length > 0) metrics.Duration = { unit: "Milliseconds", value: durations };
        if (Object.keys(metrics).length === 0) return [];
        return [{ dimensions: { component, component_version: version }, metrics }];
      });
      return { byVersion, inAll: countsOf((name) => taken.reduce((sum, own) => sum + own[name], 0)) };
    },
  };
}

function nothing(component: string, version: string): Sums {
  const zeros = Object.fromEntries(names.map((name) => [name, 0])) as Record<keyof typeof counted, number>;
  return { component, version, durations: [], ...zeros };
}

/** Without those that are nothing: a metric is paid for from its first value on. */
function countsOf(countOf: (name: keyof typeof counted) => number): Record<string, Metric> {
  return Object.fromEntries(
    names.flatMap((name): [string, Metric][] => {
      const value = countOf(name);
      return value === 0 ? [] : [[name, { unit: "Count", value }]];
    }),
  );
}
