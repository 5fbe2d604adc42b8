import { retryDelayMs } from "../domain/retry.ts";

/** What a write that fails is tried again with. */
export type WritePorts = {
  now: () => Date;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  /** Resolves after that many milliseconds. */
  delay: (ms: number) => Promise<unknown>;
  /** When the process has to be done with it, if it ends by itself: nothing is tried again after that. Asked each time. */
  until?: () => Date;
  /** Where it is seen what is being kept. */
  kept?: KeptWrites;
};

/**
 * A store in trouble takes nothing from anybody; one that is out of it gets what was kept within a second. The jitter
 * keeps a thousand that wait from coming back at once.
 */
const BACKOFF = { baseDelayMs: 50, maxDelayMs: 1_000 };

/**
 * Tries a write until it succeeds. It has to be one that may be made twice: one whose answer was lost has been made.
 * Whoever waits for it holds its place among what is in flight, which bounds how much is kept.
 *
 * @param by when there is no point in it any more: no try begins after that
 * @throws what the last try threw
 */
export async function untilWritten<T>(ports: WritePorts, write: () => Promise<T>, by: Date): Promise<T> {
  let letGo: (() => void) | undefined;
  try {
    for (let failures = 1; ; failures++) {
      try {
        return await write();
      } catch (error) {
        const waitMs = retryDelayMs(BACKOFF, failures, ports.random());
        const end = Math.min(by.getTime(), ports.until?.().getTime() ?? Infinity);
        if (ports.now().getTime() + waitMs >= end) throw error;
        letGo ??= ports.kept?.keep(ports.now(), error);
        await ports.delay(waitMs);
      }
    }
  } finally {
    letGo?.();
  }
}

export type KeptWrites = ReturnType<typeof keptWrites>;

/** The writes of a process that have failed and are tried again. */
export function keptWrites() {
  const kept = new Set<{ since: Date; why: unknown }>();
  return {
    /** Notes one. Returns what takes it off again. */
    keep(since: Date, error: unknown): () => void {
      const one = { since, why: error };
      kept.add(one);
      return () => void kept.delete(one);
    },
    /** How many there are, and of the one that has waited longest since when and why; undefined when there is none. */
    oldest(): { count: number; since: Date; why: unknown } | undefined {
      // A set hands out what was put in first.
      const [first] = kept;
      return first === undefined ? undefined : { count: kept.size, ...first };
    },
  };
}
