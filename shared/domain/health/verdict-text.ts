import { type GuardVerdict, leastEvidence, type MetricVerdict } from "./guard-verdict.ts";

/** Evidence beyond this says no more to anybody. */
const MOST_DIGITS = 99;

/** A verdict in a sentence, with its numbers, for the change log, a notice and a screen alike. */
export function verdictText(verdict: GuardVerdict, version: string): string {
  const { says, more } = verdict;
  if (says === "worse")
    return verdict.metrics
      .filter(({ level }) => level === "act")
      .map((one) => metricText(one, version))
      .join("; ");
  const suspected = verdict.metrics.filter(({ level }) => level === "warn");
  const told = suspected.map((one) => `${metricText(one, version)}; not beyond doubt`);
  const [failed] = verdict.metrics;
  const counts = failed === undefined ? "" : `: ${failed.own.failed} of ${failed.own.tried} first attempts failed`;
  const text = told.length > 0 ? `${says}: ${told.join("; ")}` : `${says}${counts}`;
  if (says === "healthy so far" || told.length > 0) return text;
  if (more === 0) return `${text}, more than of stable's and of before, in too few bursts to be beyond doubt`;
  if (more === null) return `${text}; too little to compare it with so far`;
  return `${text}; about ${more} more deliveries would show ×10`;
}

const DOES = { failed: "failed", slower: "were slow", missing: "gave no outcome" } as const;

function metricText(verdict: MetricVerdict, version: string): string {
  const { metric, own, stable, before } = verdict;
  const parts = [
    `${shareText(own)} of its first attempts ${DOES[metric]}, ${shareText(stable)} of stable's beside it`,
    ...(before === undefined ? [] : [`${shareText(before)} of the same subjects' before`]),
  ];
  const least = leastEvidence(verdict);
  const evidence = least === undefined ? "" : ` (E = ${powerText(least)}, p ≤ ${powerText(-least)})`;
  return `${version} is worse: ${parts.join(", ")}${evidence}`;
}

/** `41 of 160 (25.6 %)`. */
export function shareText({ tried, failed }: { tried: number; failed: number }): string {
  return tried === 0 ? "0 of 0" : `${failed} of ${tried} (${((100 * failed) / tried).toFixed(1)} %)`;
}

/** Ten to so much, e.g. `10^5.2`. */
export function powerText(exponent: number): string {
  return `10^${Math.max(-MOST_DIGITS, Math.min(MOST_DIGITS, exponent)).toFixed(1)}`;
}
