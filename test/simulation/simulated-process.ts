import { between, type Chance, magnitude } from "./chance.ts";
import { type Faults, InjectedFault, type Rates } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How a process came to its end. */
export type ProcessEnd = "process crashed" | "function timed out";

/** What a process and its calls live in. */
export type Surroundings = { time: VirtualTime; chance: Chance; faults: Faults };

export type SimulatedProcess = ReturnType<typeof simulatedProcess>;

const BEFORE: Rates = { "process crashed": 0.004, "request lost": 0.01, throttled: 0.01, "slow request": 0.01 };
const AFTER: Rates = { "process crashed": 0.004, "answer lost": 0.015, "slow answer": 0.012 };

/** Longest way of a request to a service, in ms. */
export const MAX_REQUEST_MS = 2_000;

/** A slow answer's way, in ms: every other one comes when a lease is about to end, the rest after up to 50 s. */
export function slowAnswerMs(chance: number): number {
  return chance < 0.5 ? between(2 * chance, 3_000, 13_000) : magnitude(2 * chance - 1, 50, 50_000);
}

/**
 * One process among others, with a clock of its own. Its calls take time and may fail before or after they took effect.
 * Once it has ended nothing in it goes on, but a request that it has sent still arrives.
 */
export function simulatedProcess({ time, chance, faults }: Surroundings, id: string, clockMs: number) {
  const calls = new Map<string, number>();
  let work = id;
  const ending = Promise.withResolvers<ProcessEnd>();
  let ended = false;
  let hits = 0;

  const gate = () => (ended ? new Promise<never>(() => {}) : undefined);

  /** Names the next one of its kind in the work at hand. */
  function next(name: string): string {
    const number = (calls.get(name) ?? 0) + 1;
    calls.set(name, number);
    return `${work}: ${name} ${number}`;
  }

  function end(how: ProcessEnd): void {
    if (ended) return;
    ended = true;
    hits += 1;
    ending.resolve(how);
  }

  function strike(point: string, rates: Rates) {
    const kind = faults.strike(point, rates);
    if (kind !== undefined) hits += 1;
    if (kind === "process crashed") end(kind);
    return kind;
  }

  /** A call over the network: the way there, the work, the way back. */
  async function call<T>(name: string, work: (point: string) => Promise<T> | T): Promise<T> {
    await gate();
    const point = next(name);
    const before = strike(`${point} on its way`, BEFORE);
    await gate();
    const there = chance(`${point} there`);
    await time.delay(before === "slow request" ? magnitude(there, 50, MAX_REQUEST_MS) : between(there, 1, 12));
    if (before === "request lost" || before === "throttled") {
      await gate();
      throw new InjectedFault(`${point}: ${before}`);
    }
    const result = await Promise.resolve(point)
      .then(work)
      .then(
        (value) => ({ ok: true as const, value }),
        (error: unknown) => ({ ok: false as const, error }),
      );
    await gate();
    const after = strike(`${point} answered`, AFTER);
    await gate();
    const back = chance(`${point} back`);
    await time.delay(after === "slow answer" ? slowAnswerMs(back) : between(back, 1, 12));
    await gate();
    if (after === "answer lost") throw new InjectedFault(`${point}: ${after}`);
    if (!result.ok) throw result.error;
    return result.value;
  }

  return {
    id,
    /** How far its clock is ahead of the true time, in ms. */
    clockMs,
    /** Names what it works on from now on: what is drawn depends on that, and not on what came before. */
    begin(name: string): void {
      work = name;
      calls.clear();
    },
    call,
    strike,
    end,
    /** Resolves when it has ended, with how. */
    ending: ending.promise,
    hasEnded: () => ended,
    /** How many faults have struck it so far. */
    hits: () => hits,
    now: () => new Date(time.now() + clockMs),
    random: () => chance(next("random")),
    newId: () => next("id"),
    async delay(ms: number): Promise<void> {
      await time.delay(ms);
      await gate();
    },
  };
}
