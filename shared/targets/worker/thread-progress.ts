import { followingTurn } from "./thread-turn.ts";

/** The most events that a thread is given before it has answered. A power of two. */
export const MOST_HANDED = 64;

/** Stands for the duration of an event that failed: what became of it is told in a message. */
const NOT_DONE = -1;

/**
 * What a thread has done, in memory that its host reads: it needn't tell of each event in a message of its own, and the
 * host knows all the same which one it runs, also while the thread is too busy to say anything.
 */
export type ThreadProgress = {
  /** The number after that of the last event that was ended. */
  ended: Int32Array<SharedArrayBuffer>;
  /** Of the last events that were ended, by their numbers' lowest bits. */
  durationsMs: Float64Array<SharedArrayBuffer>;
};

/** As they are before a version's code can put others in their place. */
const { load, store } = Atomics;

export function threadProgress(): ThreadProgress {
  return {
    ended: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    durationsMs: new Float64Array(new SharedArrayBuffer(MOST_HANDED * Float64Array.BYTES_PER_ELEMENT)),
  };
}

/** In the thread: the event with that number has ended, and those before it have. Undefined when it has failed. */
export function noteEnded({ ended, durationsMs }: ThreadProgress, number: number, durationMs = NOT_DONE): void {
  durationsMs[number & (MOST_HANDED - 1)] = durationMs;
  store(ended, 0, followingTurn(number));
}

/** In the host: how long the event took; undefined when it isn't done (yet). Asked of one of the last `MOST_HANDED` only. */
export function durationOf({ ended, durationsMs }: ThreadProgress, number: number): number | undefined {
  if (((load(ended, 0) - number) | 0) <= 0) return undefined;
  const durationMs = durationsMs[number & (MOST_HANDED - 1)] ?? NOT_DONE;
  return durationMs >= 0 ? durationMs : undefined;
}
