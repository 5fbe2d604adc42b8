import type { Sighted } from "../../shared/domain/health/burst.ts";
import {
  customerVerdict,
  independently,
  mayBeWorse,
  type TriedOnce,
} from "../../shared/domain/health/customer-verdict.ts";
import type { Tried } from "../../shared/domain/health/evidence.ts";
import { seededRandom } from "../support/seeded-random.ts";

type CustomerWorld = {
  /** What one customer's events fail at, by the customer's number. */
  rate: (customer: number, random: () => number) => number;
  /** What all fail at besides, by the minute. */
  everybody?: (minute: number) => number;
  /** Chance per minute that all of a customer's events fail. */
  bursts?: (customer: number) => number;
  /** How many minutes of them are known before they came to the version. */
  historyMinutes: number;
  /** What the version does to the first customer. */
  failsFirst?: number;
};

const ON_IT = 6;
const ON_STABLE = 54;
const MINUTES = 120;
const EVENTS_PER_MINUTE = 12;

/** Worlds in which the version is as good for each of its customers as the one before. */
export const healthyForAll: Record<string, CustomerWorld> = {
  "customers who differ": { rate: (_, random) => 0.15 * random(), historyMinutes: 180 },
  "customers who burst, hardly known": { rate: () => 0.01, bursts: () => 0.05, historyMinutes: 10 },
  "customers who burst": { rate: () => 0.01, bursts: () => 0.05, historyMinutes: 180 },
  "one who bursts": { rate: () => 0.01, bursts: (customer) => (customer === 0 ? 0.1 : 0), historyMinutes: 180 },
  "a drifting base rate": { rate: () => 0.01, everybody: (minute) => (0.1 * minute) / MINUTES, historyMinutes: 180 },
  "outage of everybody": {
    rate: () => 0.01,
    everybody: (minute) => (minute >= 40 && minute < 60 ? 0.7 : 0),
    historyMinutes: 180,
  },
};

/** Worlds in which it fails for the first of them. */
export const badForOne: Record<string, CustomerWorld> = {
  "every time": { rate: () => 0.01, historyMinutes: 180, failsFirst: 1 },
  "every second time": { rate: () => 0.01, historyMinutes: 180, failsFirst: 0.5 },
  "every time, hardly known": { rate: () => 0.01, historyMinutes: 30, failsFirst: 1 },
};

export type CustomerFigures = { takenOff: number; minutes: number[] };

/** Looks at each customer every minute, so many times over: how often one was taken off, and after how many minutes. */
export function customerFigures(world: CustomerWorld, runs: number): CustomerFigures {
  const minutes: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const after = takenOffAfter(world, seededRandom(run));
    if (after !== undefined) minutes.push(after);
  }
  return { takenOff: minutes.length, minutes: minutes.toSorted((a, b) => a - b) };
}

function takenOffAfter(world: CustomerWorld, random: () => number): number | undefined {
  const { failsFirst = 0, everybody = () => 0 } = world;
  const customers = Array.from({ length: ON_IT }, (_, customer) => {
    const rate = world.rate(customer, random);
    return { customer, rate, before: beforeOf(world, customer, rate, random), own: new Map<string, Sighted>() };
  });
  const rates = Array.from({ length: ON_STABLE }, (_, customer) => world.rate(customer + ON_IT, random));
  const stable = new Map<string, Tried>();
  for (let minute = 0; minute < MINUTES; minute++) {
    const beside = rates.map((rate, n) => minuteOf(world, n + ON_IT, rate + everybody(minute), random));
    stable.set(`${minute}`, { tried: sumOf(beside, "tried"), failed: sumOf(beside, "failed") });
    for (const { customer, rate, before, own } of customers) {
      const more = everybody(minute) + (customer === 0 ? failsFirst : 0);
      own.set(`${minute}`, minuteOf(world, customer, rate + more, random));
      const bursts = [...own.values()].filter(({ failed }) => failed > 0).length;
      if (!mayBeWorse(bursts, before, ON_IT)) continue;
      if (customerVerdict({ own, stable, before }, ON_IT).isWorse) return minute + 1;
    }
  }
  return undefined;
}

function minuteOf({ bursts }: CustomerWorld, customer: number, rate: number, random: () => number): Sighted {
  const isBurst = random() < (bursts?.(customer) ?? 0);
  const failed = isBurst ? EVENTS_PER_MINUTE : times(EVENTS_PER_MINUTE, rate, random);
  return { tried: EVENTS_PER_MINUTE, failed, listed: failed, bursts: failed > 0 ? 1 : 0 };
}

function beforeOf(world: CustomerWorld, customer: number, rate: number, random: () => number): Tried {
  const tried: TriedOnce[] = [];
  for (let minute = 0; minute < world.historyMinutes; minute++) {
    const { failed } = minuteOf(world, customer, rate + (world.everybody?.(0) ?? 0), random);
    for (let n = 0; n < EVENTS_PER_MINUTE; n++) {
      tried.push({ at: new Date(minute * 60_000), type: "order", failed: n < failed });
    }
  }
  return independently(tried);
}

function sumOf(all: readonly Tried[], of: keyof Tried): number {
  return all.reduce((sum, one) => sum + one[of], 0);
}

/** How many of so many happen, each with that chance. */
function times(of: number, chance: number, random: () => number): number {
  let count = 0;
  for (let n = 0; n < of; n++) if (random() < chance) count += 1;
  return count;
}
