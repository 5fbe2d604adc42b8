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

/** The same sentence without the verdict, for where that stands beside it. @param known the sentence */
export function beyondVerdict(one: GuardedVersion, known = toldText(one)): string {
  const says = saysOf(one);
  return known.startsWith(says) ? known.slice(says.length).replace(/^[:;] /, "") : known;
}

/** What is known in a sentence, with what was done about it, and what stands against that. */
export function toldText(one: GuardedVersion): string {
  return sentence(one, ({ why, done }) => [why, done]);
}

/** The same without what was done, for where that stands beside it. */
export function foundText(one: GuardedVersion): string {
  return sentence(one, ({ why }) => [why]);
}

/** What was done, to the version and for whoever was taken off it, and when it was found; empty where nothing was. */
export function doneText({ watch }: GuardedVersion): string {
  if (watch === undefined) return "";
  const { trip, taken = [] } = watch;
  return [trip && tripDone(trip), ...taken.map(({ done }) => done)].filter((part) => part !== undefined).join("; ");
}

type Deed = { why: string; done?: string | undefined };

function sentence(
  { watch, version, outranked }: GuardedVersion,
  told: (deed: Deed) => readonly (string | undefined)[],
): string {
  if (watch === undefined || version === null) return "";
  const { trip, verdict, waits, taken = [] } = watch;
  const parts = [
    ...(trip === undefined
      ? [verdict && verdictText(verdict, version)]
      : told({ why: trip.why, done: tripDone(trip) })),
    ...taken.flatMap(told),
    waits === undefined ? undefined : `waits: ${waits}`,
    outranked === undefined ? undefined : `does nothing now: ${outranked}`,
  ];
  return parts.filter((part) => part !== undefined).join("; ");
}

/** When it was found, and what was done about it. */
function tripDone({ at, done }: Trip): string {
  const found = `found at ${at}`;
  return done === undefined ? found : `${found}: ${done}`;
}
