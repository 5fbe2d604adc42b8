/** The first end of a process costs no wait; the second one this, and each further one twice as much as the last. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** One end is forgotten for each so long stretch without another. */
const FORGIVEN_AFTER_MS = 120_000;

/** How long a process that keeps ending by itself is left alone. */
export type CrashLoop = {
  /** It ended by itself. */
  crashed(at: Date): void;
  /** Until when it isn't started again; undefined when it may be. */
  pausedUntil(at: Date): Date | undefined;
  /** How often it has ended lately. */
  count(at: Date): number;
};

export function crashLoop(): CrashLoop {
  let crashes = 0;
  let lastMs = 0;
  const count = (at: Date) => Math.max(0, crashes - Math.floor((at.getTime() - lastMs) / FORGIVEN_AFTER_MS));
  return {
    crashed(at) {
      crashes = count(at) + 1;
      lastMs = at.getTime();
    },
    pausedUntil(at) {
      if (crashes < 2) return undefined;
      const until = lastMs + Math.min(FIRST_PAUSE_MS * 2 ** (crashes - 2), LONGEST_PAUSE_MS);
      return until > at.getTime() ? new Date(until) : undefined;
    },
    count,
  };
}
