import { chanceText } from "./evidence-words.ts";
import { type GuardVerdict, leastEvidence, type MetricVerdict } from "./guard-verdict.ts";

/**
 * A verdict in a sentence, with its numbers, for the change log, a notice and a screen alike. Without a verdict it says
 * about how many more deliveries would show a version that fails ten times as often, or why no number would.
 */
export function verdictText(verdict: GuardVerdict, version: string): string {
  const { says } = verdict;
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
  return says === "healthy so far" ? text : `${text}${neededText(verdict, told.length > 0)}`;
}

function neededText({ metrics: [failed], more }: GuardVerdict, isSuspected: boolean): string {
  if (more !== null && more > 0) return `; about ${more} more deliveries would show ×10`;
  if (more === 0)
    return isSuspected ? "" : ", more than of stable's and of before, in too few bursts to be beyond doubt";
  if (failed === undefined || failed.stable.tried === 0)
    return "; none of stable's beside it to compare it with so far";
  if (2 * failed.stable.failed > failed.stable.tried) {
    return "; stable itself fails too often for any number of deliveries to show ×10";
  }
  return "; too little is known of before: no number of deliveries would show ×10";
}

const DOES = { failed: "failed", slower: "were slow", missing: "gave no outcome" } as const;

function metricText(verdict: MetricVerdict, version: string): string {
  const { metric, own, stable, before } = verdict;
  const parts = [
    `${shareText(own)} of its first attempts ${DOES[metric]}, ${shareText(stable)} of stable's beside it`,
    ...(before === undefined ? [] : [`${shareText(before)} of the same subjects' before`]),
  ];
  const least = leastEvidence(verdict);
  const evidence = least === undefined ? "" : ` (${chanceText(least)})`;
  return `${version} is worse: ${parts.join(", ")}${evidence}`;
}

/** `41 of 160 (25.6 %)`. */
export function shareText({ tried, failed }: { tried: number; failed: number }): string {
  return tried === 0 ? "0 of 0" : `${failed} of ${tried} (${((100 * failed) / tried).toFixed(1)} %)`;
}
