import type { Sighted } from "../../shared/domain/health/burst.ts";
import type { Tried } from "../../shared/domain/health/evidence.ts";
import { addFailures, emptyMeter } from "../../shared/domain/health/guard-meter.ts";
import { guardVerdict } from "../../shared/domain/health/guard-verdict.ts";
import { seededRandom } from "../support/seeded-random.ts";

/** How the events of one minute go: what share of them the candidate gets, and how many of each side's fail. */
type Minute = { share: number; stableRate: number; candidateRate: number };

type World = {
  minute: (n: number) => Minute;
  /** What the candidate's customers failed before, where it differs from stable's. */
  beforeRate?: number;
  /** Chance per minute that all 20 events of one customer fail, on either side. */
  bursts?: number;
};

const MINUTES = 120;
const EVENTS_PER_MINUTE = 100;
const BEFORE = 20_000;
const OTHERS_BEFORE = 2_000;
const BURST_EVENTS = 20;

/** Worlds in which the candidate is as good as stable, for its customers. */
export const healthyWorlds: Record<string, World> = {
  "constant share": { minute: () => ({ share: 0.1, stableRate: 0.02, candidateRate: 0.02 }) },
  "ramp with a drifting base rate": {
    minute: (n) => {
      const rate = 0.01 + (0.07 * n) / MINUTES;
      return { share: 0.01 + (0.49 * n) / MINUTES, stableRate: rate, candidateRate: rate };
    },
  },
  "differing customers": {
    minute: () => ({ share: 0.1, stableRate: 0.02, candidateRate: 0.06 }),
    beforeRate: 0.06,
  },
  "outage of everybody": {
    minute: (n) => {
      const rate = n >= 40 && n < 60 ? 0.6 : 0.02;
      return { share: 0.1, stableRate: rate, candidateRate: rate };
    },
  },
  bursts: { minute: () => ({ share: 0.1, stableRate: 0.02, candidateRate: 0.02 }), bursts: 0.1 },
};

/** A release of a version as good as stable: it comes to ever more, who differ from the rest, while all fails more often. */
const healthyRelease: World = {
  minute: (n) => {
    const rate = 0.01 + (0.04 * n) / MINUTES;
    return {
      share: [0.05, 0.1, 0.25, 0.5][Math.floor((4 * n) / MINUTES)] ?? 1,
      stableRate: rate,
      candidateRate: rate + 0.02,
    };
  },
  beforeRate: 0.03,
};

/** Worlds in which the candidate is broken from the start. */
export const brokenWorlds: Record<string, World> = {
  "three times as often": { minute: () => ({ share: 0.1, stableRate: 0.02, candidateRate: 0.06 }), beforeRate: 0.02 },
  "ten times as often": { minute: () => ({ share: 0.1, stableRate: 0.02, candidateRate: 0.2 }), beforeRate: 0.02 },
  "every time": { minute: () => ({ share: 0.1, stableRate: 0.02, candidateRate: 1 }), beforeRate: 0.02 },
};

export type GuardFigures = { stopped: number; warned: number; deliveries: number[] };

/** Looks at a world every minute, so many times over. How often a version was stopped, and after how many deliveries. */
export function guardFigures(world: World, runs: number): GuardFigures {
  const figures: GuardFigures = { stopped: 0, warned: 0, deliveries: [] };
  for (let run = 1; run <= runs; run++) {
    const { level, deliveries } = runOnce(world, seededRandom(run), seededRandom(run + runs));
    if (level !== "ok") figures.warned += 1;
    if (level !== "act") continue;
    figures.stopped += 1;
    figures.deliveries.push(deliveries);
  }
  figures.deliveries.sort((a, b) => a - b);
  return figures;
}

function runOnce(
  world: World,
  random: () => number,
  besides: () => number,
): { level: "ok" | "warn" | "act"; deliveries: number } {
  let failed = emptyMeter;
  const before: Tried = { tried: BEFORE, failed: 0 };
  before.failed = failures(BEFORE, world.beforeRate ?? world.minute(0).stableRate, random);
  const othersBefore: Tried = { tried: OTHERS_BEFORE, failed: 0 };
  othersBefore.failed = failures(OTHERS_BEFORE, world.minute(0).stableRate, besides);
  let level: "ok" | "warn" | "act" = "ok";
  for (let n = 0; n < MINUTES; n++) {
    const { share, stableRate, candidateRate } = world.minute(n);
    const tried = failures(EVENTS_PER_MINUTE, share, random);
    const own = new Map([[`${n}`, sighted(tried, candidateRate, world, random)]]);
    const stable = new Map([[`${n}`, sighted(EVENTS_PER_MINUTE - tried, stableRate, world, random)]]);
    // Minute by minute on top of what was added up before, as a guard does.
    failed = addFailures(failed, own, stable);
    const known = {
      meters: { failed, slower: emptyMeter, missing: emptyMeter },
      before: { failed: before },
      othersBefore,
      customersAffected: 2,
    };
    const { says, metrics } = guardVerdict(known, true);
    if (says === "worse") return { level: "act", deliveries: failed.own.tried };
    if (metrics.some((one) => one.level === "warn")) level = "warn";
  }
  return { level, deliveries: 0 };
}

function sighted(tried: number, rate: number, { bursts = 0 }: World, random: () => number): Sighted {
  const failed = failures(tried, rate, random);
  const burst = random() < bursts;
  const more = burst ? BURST_EVENTS : 0;
  const all = failed + more;
  return { tried: tried + more, failed: all, listed: all, bursts: failed + (burst ? 1 : 0) };
}

/** Fails so much, or so many times as often as stable: what a fixed threshold stops at, once there are some deliveries. */
const FIXED = { rate: 0.05, times: 2, least: 50 };

/** One in 1,000, of one look. */
const Z_AT = 3.09;

/** How often a healthy release is stopped: by the guard, by a fixed threshold, and by a z-test at every look. */
export function releaseFigures(releases: number): { guard: number; threshold: number; zTest: number } {
  const stopped = { guard: guardFigures(healthyRelease, releases).stopped, threshold: 0, zTest: 0 };
  for (let run = 1; run <= releases; run++) {
    const random = seededRandom(run);
    const [own, stable] = [
      { tried: 0, failed: 0 },
      { tried: 0, failed: 0 },
    ];
    let [isOver, isFar] = [false, false];
    for (let n = 0; n < MINUTES; n++) {
      const { share, stableRate, candidateRate } = healthyRelease.minute(n);
      const tried = failures(EVENTS_PER_MINUTE, share, random);
      own.tried += tried;
      own.failed += failures(tried, candidateRate, random);
      stable.tried += EVENTS_PER_MINUTE - tried;
      stable.failed += failures(EVENTS_PER_MINUTE - tried, stableRate, random);
      isOver ||= own.tried >= FIXED.least && isPast(own, stable);
      isFar ||= zOf(own, stable) > Z_AT;
    }
    if (isOver) stopped.threshold += 1;
    if (isFar) stopped.zTest += 1;
  }
  return stopped;
}

function isPast(own: Tried, stable: Tried): boolean {
  const rate = own.failed / own.tried;
  return rate > FIXED.rate || rate > (FIXED.times * stable.failed) / Math.max(1, stable.tried);
}

function zOf(own: Tried, stable: Tried): number {
  if (own.tried === 0 || stable.tried === 0) return 0;
  const both = (own.failed + stable.failed) / (own.tried + stable.tried);
  const spread = Math.sqrt(both * (1 - both) * (1 / own.tried + 1 / stable.tried));
  return spread === 0 ? 0 : (own.failed / own.tried - stable.failed / stable.tried) / spread;
}

/** How many of so many happen, each with that chance. */
function failures(of: number, chance: number, random: () => number): number {
  let count = 0;
  for (let n = 0; n < of; n++) if (random() < chance) count += 1;
  return count;
}
