import type { GuardVerdict, MetricVerdict } from "../../domain/health/guard-verdict.ts";
import { verdictText } from "../../domain/health/verdict-text.ts";
import type { Trip } from "../../domain/health/watch.ts";
import type { GuardedVersion } from "./guards-of.ts";

/** What a guard says of a version, in a word or two. */
export function saysOf({ watch }: GuardedVersion): string {
  return watch?.trip === undefined ? (watch?.verdict?.says ?? "not looked at") : "worse";
}

/** The guard's mode; where there is none any more, what has become of the version that it found to be worse. */
export function standsAs({ guard, watch, isThere }: GuardedVersion): string {
  if (guard !== undefined) return guard.mode;
  const trip = watch?.trip;
  if (trip === undefined || isThere) return "not guarded";
  return trip.to !== undefined && trip.stage === "ended" ? "taken back" : "moved away";
}

/** By what it is judged: what was found once, or what is known so far. */
export function verdictOf({ watch }: GuardedVersion): GuardVerdict | undefined {
  return watch?.trip?.verdict ?? watch?.verdict;
}

/** The metric that says most against it. */
export function strongest(one: GuardedVersion): MetricVerdict | undefined {
  return strongestOf(verdictOf(one));
}

export function strongestOf(verdict: GuardVerdict | undefined): MetricVerdict | undefined {
  const least = ({ worseThanStable: a = -99, worseThanBefore: b = -99 }: MetricVerdict) => Math.min(a, b);
  return verdict?.metrics.toSorted((a, b) => least(b) - least(a))[0];
}

/** The same sentence without the verdict, for where that stands beside it. */
export function beyondVerdict(one: GuardedVersion): string {
  const [says, told] = [saysOf(one), toldText(one)];
  return told.startsWith(says) ? told.slice(says.length).replace(/^[:;] /, "") : told;
}

/** When it was found, and what was done about it. */
function doneText({ at, done }: Trip): string {
  const found = `found at ${at}`;
  return done === undefined ? found : `${found}: ${done}`;
}

/** What is known in a sentence, with what was done about it, and what stands against that. */
export function toldText(one: GuardedVersion): string {
  const { watch, version, outranked } = one;
  if (watch === undefined || version === null) return "";
  const { trip, waits, taken = [] } = watch;
  const parts = [
    trip?.why ?? (watch.verdict && verdictText(watch.verdict, version)),
    trip && doneText(trip),
    ...taken.flatMap(({ why, done }) => [why, done]),
    waits === undefined ? undefined : `waits: ${waits}`,
    outranked === undefined ? undefined : `does nothing now: ${outranked}`,
  ];
  return parts.filter((part) => part !== undefined).join("; ");
}
