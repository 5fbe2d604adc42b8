import type { Chance } from "./chance.ts";

/** What a simulated store, queue or network breaks with. */
export class InjectedFault extends Error {}

export const faultKinds = [
  "request lost",
  "answer lost",
  "throttled",
  "slow request",
  "slow answer",
  "process crashed",
  "function timed out",
  "batch half applied",
  "batch in two parts",
  "request repeated by the store's client",
  "message handed out twice",
  "old handle taken",
  "message delayed",
  "delete lost",
  "publisher's answer lost",
  "bus duplicate",
  "version failed before its effect",
  "version failed after its effect",
  "version hung",
  "zombie that succeeds",
  "zombie that fails",
  "version's answer slow",
  "no room at the version",
  "connection reset during the run",
  "outcome late",
  "outcome twice",
  "outcome never",
  "outcome forged",
  "never begun",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A fault at one named moment of a run. */
export type PlannedFault = { point: string; kind: FaultKind };
export type StruckFault = PlannedFault & { at: number };

/** Chances of kinds, in 1; times the scenario's intensity. */
export type Rates = { [kind in FaultKind]?: number };

export type Faults = {
  /** Whether something goes wrong at this moment, and what. Each moment has a name of its own. */
  strike(point: string, rates: Rates): FaultKind | undefined;
  /** Notes a fault that followed from others. */
  note(point: string, kind: FaultKind): void;
  readonly struck: readonly StruckFault[];
};

export type FaultOptions = {
  chance: Chance;
  now: () => number;
  /** Multiplies every rate. */
  intensity: number;
  /** These happen so much more often. */
  emphasis: readonly FaultKind[];
  /** True time from which on nothing goes wrong any more. */
  until: number;
  /** These faults and no others, each at its moment if that comes. */
  only?: readonly PlannedFault[] | undefined;
};

const EMPHASIS = 10;

/** Nothing happens more often than this, or nothing else would. */
const MOST = 0.4;

export function simulatedFaults({ chance, now, intensity, emphasis, until, only }: FaultOptions): Faults {
  const struck: StruckFault[] = [];
  const often = new Set<string>(emphasis);
  const planned = only === undefined ? undefined : new Map(only.map(({ point, kind }) => [point, kind]));

  function drawn(point: string, rates: Rates): FaultKind | undefined {
    let left = chance(point);
    // An entry for each kind would be made anew for every moment.
    for (const kind in rates) {
      const rate = (rates[kind as FaultKind] ?? 0) * intensity * (often.has(kind) ? EMPHASIS : 1);
      left -= Math.min(MOST, rate);
      if (left < 0) return kind as FaultKind;
    }
    return undefined;
  }

  return {
    struck,
    strike(point, rates) {
      if (intensity === 0 || now() >= until) return undefined;
      const kind = planned === undefined ? drawn(point, rates) : planned.get(point);
      if (kind === undefined || rates[kind] === undefined) return undefined;
      struck.push({ at: now(), point, kind });
      return kind;
    },
    note: (point, kind) => void struck.push({ at: now(), point, kind }),
  };
}
