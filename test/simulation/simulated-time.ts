import { nextTurn } from "../support/port-calls.ts";

export type SimulatedTime = {
  now(): Date;
  /** Resolves after that many milliseconds of this time. */
  delay(ms: number): Promise<void>;
  /** How many delays are running. */
  running(): number;
  /** Goes to the end of the delay that ends first, and ends it. Does nothing when none is running. */
  skip(): void;
  /** Goes on by that many milliseconds, ending every delay on the way. */
  pass(ms: number): Promise<void>;
};

type Timer = { at: number; ring: () => void };

/** A clock that stands still until it is told to go on. */
export function simulatedTime(start = new Date("2026-11-20T10:00:00.000Z")): SimulatedTime {
  let now = start.getTime();
  const timers: Timer[] = [];
  const first = () => timers.reduce<Timer | undefined>((a, b) => (a !== undefined && a.at <= b.at ? a : b), undefined);

  function ring(timer: Timer): void {
    timers.splice(timers.indexOf(timer), 1);
    now = Math.max(now, timer.at);
    timer.ring();
  }

  return {
    now: () => new Date(now),
    delay: (ms) => new Promise((resolve) => void timers.push({ at: now + ms, ring: resolve })),
    running: () => timers.length,
    skip() {
      const next = first();
      if (next !== undefined) ring(next);
    },
    async pass(ms) {
      const end = now + ms;
      await nextTurn();
      for (let next = first(); next !== undefined && next.at <= end; next = first()) {
        ring(next);
        await nextTurn();
      }
      now = end;
    },
  };
}
