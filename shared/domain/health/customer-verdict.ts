import { type SubjectKey, subjectOf } from "../subject.ts";
import { splitKey } from "../text/split-key.ts";
import type { Sighted } from "./burst.ts";
import { triedIn } from "./burst.ts";
import { baseRateBound, type Tried, worseThanBefore, worseThanStable } from "./evidence.ts";
import { chanceText } from "./evidence-words.ts";
import type { Failure } from "./failure.ts";
import { ACT_ALPHA, LEAST_FAILURES } from "./verdict.ts";
import { shareText } from "./verdict-text.ts";

/** What is known of one customer on a version, by stretch and type: its own first attempts, and stable's beside them. */
export type KnownOfCustomer = {
  own: ReadonlyMap<string, Sighted>;
  stable: ReadonlyMap<string, Tried>;
  /** Its own before, of `independently`. */
  before: Tried;
};

export type CustomerVerdict = {
  isWorse: boolean;
  own: Tried;
  stable: Tried;
  before: Tried;
  /** Logarithms of E-values to the base of 10. */
  worseThanBefore: number;
  worseThanStable: number;
};

/** Up to so many times as often as stable at the same time it may be that everybody has the same trouble. */
const SHARED_TROUBLE = 3;

/** Deliveries of one customer and type that count in a minute of before: more of them say little more. */
const MOST_PER_MINUTE = 3;

/**
 * Whether a version is worse for one customer than what it had before: formula B alone, each burst once. What is risked is
 * shared by all who are on the version, so that one of them is taken off a healthy one no more often than it is stopped.
 * An outage of everybody isn't the version's: where stable fails a third as often at the same time, nobody is.
 * @param customers so many are on the version
 */
export function customerVerdict({ own, stable, before }: KnownOfCustomer, customers: number): CustomerVerdict {
  const bursts = triedIn(own.values());
  const raw = sum([...own.values()]);
  const strata = [...own].map(([key, candidate]) => ({
    candidate,
    stable: stable.get(key) ?? { tried: 0, failed: 0 },
  }));
  const beside = sum(strata.map((one) => one.stable));
  const now = beside.tried === 0 ? 0 : worseThanStable(strata, SHARED_TROUBLE);
  const earlier = worseThanBefore(bursts, baseRateBound(before, ACT_ALPHA / 10));
  const isWorse =
    bursts.failed >= LEAST_FAILURES && earlier >= requiredEvidence(customers) && now >= Math.log(1 / ACT_ALPHA);
  return {
    ...{ isWorse, own: raw, stable: beside, before },
    worseThanBefore: earlier / Math.LN10,
    worseThanStable: now / Math.LN10,
  };
}

/** Whether so many bursts could be evidence enough, had nothing else been tried: what it costs to count is paid only then. */
export function mayBeWorse(bursts: number, before: Tried, customers: number): boolean {
  if (bursts < LEAST_FAILURES) return false;
  const bound = baseRateBound(before, ACT_ALPHA / 10);
  return worseThanBefore({ tried: bursts, failed: bursts }, bound) >= requiredEvidence(customers);
}

function requiredEvidence(customers: number): number {
  return Math.log(Math.max(1, customers) / ACT_ALPHA);
}

/** A delivery of before: when it was tried, of which type, and whether it failed. */
export type TriedOnce = { at: Date; type: string; failed: boolean };

/** What was tried before, as far as it says something of its own: a minute in which all is well is little more than one. */
export function independently(all: readonly TriedOnce[]): Tried {
  let [tried, failed] = [0, 0];
  const minutes = Map.groupBy(all, ({ at, type }) => `${Math.floor(at.getTime() / 60_000)} ${type}`);
  for (const those of minutes.values()) {
    const counted = Math.min(those.length, MOST_PER_MINUTE);
    tried += counted;
    failed += (counted * those.filter((one) => one.failed).length) / those.length;
  }
  return { tried, failed };
}

function sum(all: readonly Tried[]): Tried {
  return all.reduce((total, one) => ({ tried: total.tried + one.tried, failed: total.failed + one.failed }), {
    tried: 0,
    failed: 0,
  });
}

/** Who is taken off where this has failed: whose pin would win over the rule that led there. Undefined for nobody. */
export function whoIsTakenOff({ because, subject }: Pick<Failure, "because" | "subject">): SubjectKey | undefined {
  const { user, project, customer } = subject;
  if (because === "user pin" && user !== undefined) return `user#${user}`;
  if (because === "project pin" && project !== undefined) return `project#${project}`;
  if (customer !== undefined) return `customer#${customer}`;
  if (project !== undefined) return `project#${project}`;
  return user === undefined ? undefined : `user#${user}`;
}

export function isAbout(who: SubjectKey, subject: Failure["subject"]): boolean {
  return Object.entries(subjectOf(who)).every(([level, id]) => subject[level as keyof Failure["subject"]] === id);
}

/** `customer acme`. */
export function whoText(who: SubjectKey): string {
  return splitKey(who).join(" ");
}

/** The evidence in a sentence. */
export function customerVerdictText(who: SubjectKey, version: string, verdict: CustomerVerdict): string {
  const { own, stable, before, worseThanBefore: evidence } = verdict;
  return (
    `${version} is worse for ${whoText(who)}: ${shareText(own)} of its first attempts failed, ` +
    `${shareText(stable)} of stable's beside it, ${shareText(before)} of its own before ` +
    `(${chanceText(evidence)})`
  );
}
