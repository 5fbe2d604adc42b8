import { type Stratum, type Tried, worseThanStable } from "./evidence.ts";
import { factDimensions, type Trait, traitText } from "./trait.ts";
import type { IndexedTrait, LeftOut, TraitIndex } from "./trait-index.ts";

/** What failures have in common that others haven't. */
export type Explanation = {
  /** One trait, or two that only together say it. */
  traits: readonly Trait[];
  /** Other traits of just the same cases. */
  alike: Trait[];
  /** The failed cases that have it, by their numbers. */
  failed: number[];
  /** How many cases have it that went well. */
  passed: number;
  /** The logarithm of an E-value, to the base of 10. */
  evidence: number;
};

export type Ranking = {
  /** The one that explains most first; each of the following explains what those before it leave. */
  explanations: Explanation[];
  /** Cases that were compared. */
  failed: number;
  passed: number;
  /** Traits that could have explained something, and pairs of them. */
  traits: number;
  pairs: number;
  leftOut: LeftOut;
};

/** How often something is found where there is nothing to find, at most. */
const ALPHA = 0.01;

/** How often failures that a trait explains are said to be only some of its cases, and aren't, at most. */
const NARROWED_ALPHA = 0.05;

/** Explanations that are looked for one after the other. */
const MAX_EXPLANATIONS = 10;

/** Traits of most evidence whose pairs are looked at. */
const PAIRED = 50;

/** Stretches of time that are compared each by itself, and the failures that one of them should have. */
const MAX_STRETCHES = 20;
const FAILURES_PER_STRETCH = 10;

/** Other traits that are named beside one. */
const MAX_ALIKE = 5;

/**
 * Which traits explain failures, by formula A: in each stretch of time cases of a trait are the candidate, and the others
 * are what it is compared with. Only traits that so many cases have that they could be found count among those looked at
 * (Tarone 1990); of pairs all count that could be made of these, whichever were looked at, so that it may be chosen by
 * what has failed. The whole is wrong about healthy deliveries with a probability of at most 1 %.
 */
export function rankExplanations(index: TraitIndex): Ranking {
  const pool = poolOf(index);
  const candidates = testable(index, pool);
  const [traits, pairs] = [candidates.length, (candidates.length * (candidates.length - 1)) / 2];
  const explanations: Explanation[] = [];
  while (explanations.length < MAX_EXPLANATIONS) {
    const found = bestOf(candidates, pool);
    if (found === undefined) break;
    explanations.push(explanationOf(found, pool));
    for (const one of found.cases) pool.left[one] = 0;
  }
  const failed = index.cases.filter((one) => one.failed).length;
  return { explanations, failed, passed: index.cases.length - failed, traits, pairs, leftOut: { ...index.left } };
}

/** The cases that are compared: what stretch of time each is in, whether it failed, and whether it is still unexplained. */
type Pool = {
  size: number;
  stretches: number;
  stretchOf: Uint8Array;
  hasFailed: Uint8Array;
  isReadable: Uint8Array;
  left: Uint8Array;
};

function poolOf({ cases, readable }: TraitIndex): Pool {
  const size = cases.length;
  const failures = cases.filter(({ failed }) => failed).length;
  const stretches = Math.min(MAX_STRETCHES, Math.max(1, Math.floor(failures / FAILURES_PER_STRETCH)));
  const [first, last] = cases.reduce(
    ([from, to], { at }) => [Math.min(from, at.getTime()), Math.max(to, at.getTime())],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  const length = (last - first + 1) / stretches;
  return {
    size,
    stretches,
    stretchOf: Uint8Array.from(cases, ({ at }) => Math.floor((at.getTime() - first) / length)),
    hasFailed: Uint8Array.from(cases, ({ failed }) => (failed ? 1 : 0)),
    isReadable: maskOf(readable, size),
    left: new Uint8Array(size).fill(1),
  };
}

/** Cases that are compared with each other, and how many of them there are in each stretch. */
type Within = { mask: Uint8Array; tried: readonly Tried[] };

function withinMask(mask: Uint8Array, pool: Pool): Within {
  const all = Array.from({ length: pool.size }, (_, n) => n);
  return { mask, tried: triedBy(all, mask, pool) };
}

/** All cases that are left, and those of them whose events could be looked into. */
function comparable(pool: Pool): { byFacts: Within; byPaths: Within } {
  return { byFacts: withinMask(pool.left, pool), byPaths: withinMask(both(pool.left, pool.isReadable), pool) };
}

type Comparable = ReturnType<typeof comparable>;

function withinOf({ byFacts, byPaths }: Comparable, ...traits: readonly Trait[]): Within {
  return traits.some(({ of }) => of === "path") ? byPaths : byFacts;
}

function triedBy(cases: readonly number[], mask: Uint8Array, { stretches, stretchOf, hasFailed }: Pool): Tried[] {
  const tried = Array.from({ length: stretches }, (): Tried => ({ tried: 0, failed: 0 }));
  for (const n of cases) {
    const one = mask[n] === 1 ? tried[stretchOf[n] ?? 0] : undefined;
    if (one === undefined) continue;
    one.tried += 1;
    one.failed += hasFailed[n] ?? 0;
  }
  return tried;
}

/** These cases, and in the place of stable those that they are compared with. */
function strataOf(cases: readonly number[], within: Within, pool: Pool): Stratum[] {
  return triedBy(cases, within.mask, pool).map((candidate, n) => {
    const { tried, failed } = within.tried[n] ?? candidate;
    return { candidate, stable: { tried: tried - candidate.tried, failed: failed - candidate.failed } };
  });
}

/**
 * The traits of so many cases that they would be found if as many as can be of these had failed. How many cases have a
 * trait, and how many failed, doesn't say which: whatever is left out by that alone needn't be paid for.
 */
function testable(index: TraitIndex, pool: Pool): IndexedTrait[] {
  const comparing = comparable(pool);
  const most: { one: IndexedTrait; evidence: number }[] = [];
  for (const one of index.traits()) {
    // A single case says nothing.
    if (one.cases.length < 2) continue;
    const evidence = mostEvidence(strataOf(one.cases, withinOf(comparing, one.trait), pool));
    if (evidence >= thresholdOf(1)) most.push({ one, evidence });
  }
  most.sort((a, b) => b.evidence - a.evidence);
  let count = 0;
  while (count < most.length && (most[count]?.evidence ?? 0) >= thresholdOf(count + 1)) count += 1;
  return most.slice(0, count).map(({ one }) => one);
}

function mostEvidence(strata: readonly Stratum[]): number {
  return worseThanStable(
    strata.map(({ candidate, stable }) => {
      const failed = candidate.failed + stable.failed;
      const own = Math.min(failed, candidate.tried);
      return {
        candidate: { tried: candidate.tried, failed: own },
        stable: { tried: stable.tried, failed: failed - own },
      };
    }),
  );
}

function maskOf(cases: readonly number[], size: number): Uint8Array {
  const mask = new Uint8Array(size);
  for (const one of cases) mask[one] = 1;
  return mask;
}

/** What one of so many has to exceed; traits and pairs may each be wrong in half of the cases. */
function thresholdOf(count: number): number {
  return Math.log(count / (ALPHA / 2));
}

type Found = { traits: readonly Trait[]; alike: Trait[]; cases: readonly number[]; evidence: number };

/** What explains most of the cases that are left, and all cases that have it. */
function bestOf(candidates: readonly IndexedTrait[], pool: Pool): Found | undefined {
  const comparing = comparable(pool);
  const singles = candidates
    .map((one) => ({ one, evidence: worseThanStable(strataOf(one.cases, withinOf(comparing, one.trait), pool)) }))
    .filter(({ evidence }) => evidence > 0)
    .toSorted((a, b) => b.evidence - a.evidence || compareTraits(a.one.trait, b.one.trait));
  const distinct = withoutAlike(singles, pool).slice(0, PAIRED);
  const least = thresholdOf(candidates.length);
  const found: Found[] = distinct
    .filter(({ evidence }) => evidence >= least)
    .map(({ one, alike, evidence }) => ({ traits: [one.trait], alike, cases: one.cases, evidence }));
  const having = distinct.map(({ one }) => ({ ...one, has: maskOf(one.cases, pool.size) }));
  const [best] = [...found, ...pairsOf(having, candidates.length, comparing, pool)].toSorted(
    (a, b) => b.evidence - a.evidence || a.traits.length - b.traits.length,
  );
  return best;
}

function explanationOf({ traits, alike, cases, evidence }: Found, { hasFailed }: Pool): Explanation {
  const failed = cases.filter((n) => hasFailed[n] === 1);
  return { traits, alike, failed, passed: cases.length - failed.length, evidence: evidence / Math.LN10 };
}

/** Each once that has the same cases as another, with the others beside the one that is easiest to act on. */
function withoutAlike<T extends { one: IndexedTrait; evidence: number }>(
  singles: readonly T[],
  { left }: Pool,
): (T & { alike: Trait[] })[] {
  const same = Map.groupBy(singles, ({ one }) => one.cases.filter((n) => left[n] === 1).join());
  return [...same.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    return [{ ...first, alike: others.slice(0, MAX_ALIKE).map(({ one }) => one.trait) }];
  });
}

type Having = IndexedTrait & { has: Uint8Array };

function pairsOf(singles: readonly Having[], candidates: number, comparing: Comparable, pool: Pool): Found[] {
  const least = thresholdOf((candidates * (candidates - 1)) / 2);
  return singles.flatMap((a, n) =>
    singles.slice(n + 1).flatMap((b): Found[] => {
      if (!canBeBoth(a, b)) return [];
      const within = withinOf(comparing, a.trait, b.trait);
      const cases = a.cases.filter((one) => b.has[one] === 1);
      const evidence = worseThanStable(strataOf(cases, within, pool));
      if (evidence < least) return [];
      if (![a, b].every((one) => isNarrowed(one, cases, within, candidates, pool))) return [];
      return [{ traits: [a.trait, b.trait].toSorted(compareTraits), alike: [], cases, evidence }];
    }),
  );
}

/** Of one path events have but one value, or several of an array: no filter asks for two elements of one array. */
function canBeBoth(a: IndexedTrait, b: IndexedTrait): boolean {
  if (a.trait.of !== b.trait.of) return true;
  if (a.trait.of !== "path" || b.trait.of !== "path") return false;
  const [here, there] = [a.trait.path, b.trait.path];
  const shared = here.findIndex((name, n) => name !== there[n]);
  const common = shared === -1 ? here.length : shared;
  return [a, b].every(({ arrayAt }) => arrayAt === undefined || arrayAt > common);
}

/**
 * Whether among the cases of a trait some of them tell which fail: that they fail more often, or, where most do, that the
 * others go well more often. The mean of two E-values is one.
 */
function isNarrowed({ has }: Having, some: readonly number[], all: Within, candidates: number, pool: Pool): boolean {
  const within = withinMask(both(has, all.mask), pool);
  const fails = strataOf(some, within, pool);
  const goesWell = fails.map(({ candidate, stable }) => ({ candidate: well(stable), stable: well(candidate) }));
  const evidence = Math.max(worseThanStable(fails), worseThanStable(goesWell)) - Math.LN2;
  return evidence >= Math.log(candidates / NARROWED_ALPHA);
}

function well({ tried, failed }: Tried): Tried {
  return { tried, failed: tried - failed };
}

function both(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((one, n) => one & (b[n] ?? 0));
}

/** What a pin acts on first, then what stands nearest to the top of an event. */
function compareTraits(a: Trait, b: Trait): number {
  const placeOf = ({ of }: Trait) => (of === "path" ? factDimensions.length : factDimensions.indexOf(of));
  const lengthOf = (trait: Trait) => (trait.of === "path" ? trait.path.length : 0);
  return placeOf(a) - placeOf(b) || lengthOf(a) - lengthOf(b) || traitText(a).localeCompare(traitText(b), "en");
}
