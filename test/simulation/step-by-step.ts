import { nextTurn } from "../support/port-calls.ts";
import type { SimulatedTime } from "./simulated-time.ts";

/** Chance that time goes on although something else could. */
const TIME_GOES_ON = 0.1;

export type Steps = ReturnType<typeof stepByStep>;

/** Lets whatever waits for its turn go on one at a time, in an order drawn by `random`, so that a run can be repeated. */
export function stepByStep(time: SimulatedTime, random: () => number) {
  const waiting: (() => void)[] = [];
  let working = 0;
  let steps = 0;

  /** Everything that can go on by itself has gone on. */
  async function still(): Promise<void> {
    do await nextTurn();
    while (working > 0);
  }

  return {
    /** How many turns were taken. */
    steps: () => steps,
    /** Waits for its turn. */
    turn: () => new Promise<void>((resolve) => void waiting.push(resolve)),
    /** Does work that takes no time; nothing else goes on meanwhile. */
    async work<T>(work: () => Promise<T>): Promise<T> {
      working += 1;
      try {
        return await work();
      } finally {
        working -= 1;
      }
    },
    /** Goes on until nothing waits, for a turn or for time. */
    async untilIdle(maxSteps = 20_000): Promise<void> {
      for (await still(); waiting.length + time.running() > 0; await still()) {
        if (++steps > maxSteps) throw new Error(`not at rest after ${maxSteps} steps`);
        const timeGoesOn = time.running() > 0 && (waiting.length === 0 || random() < TIME_GOES_ON);
        if (timeGoesOn) time.skip();
        else waiting.splice(Math.floor(random() * waiting.length), 1)[0]?.();
      }
    },
  };
}
