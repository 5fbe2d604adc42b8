import type { ReplayProgress } from "./replay.ts";

/**
 * A replay that gets no further is given up after this time and so many tries, both: a machine that slept, or a clock that
 * was set, has not tried.
 */
export const GIVE_UP_AFTER_MS = 3_600_000;
export const LEAST_TRIES = 30;

/** With no try for so long it wasn't failing, but nobody was there to run it: what counts begins anew. */
const LONGEST_PAUSE_MS = 600_000;

/**
 * The progress of a replay whose run has ended in this error, which has failed for good if that has gone on for too long.
 * It takes a store to write this down: while that is in trouble itself, nothing counts. Nor does anything that was counted
 * before the last page that was done.
 */
export function afterError(progress: ReplayProgress, trouble: string, now: Date): ReplayProgress {
  const before = progress.failing;
  const goesOn = before !== undefined && now.getTime() - before.last.getTime() <= LONGEST_PAUSE_MS;
  const { since, tries } = goesOn ? before : { since: now, tries: 0 };
  const failing = { since, last: now, tries: tries + 1 };
  const isGivenUp = failing.tries >= LEAST_TRIES && now.getTime() - since.getTime() >= GIVE_UP_AFTER_MS;
  return { ...progress, trouble, failing, ...(isGivenUp && { endedAt: now, failed: true as const }) };
}

/** The progress of one that gets further, or is to be tried anew: from its last page on. */
export function withoutErrors(progress: ReplayProgress): ReplayProgress {
  const { failing: _, ...rest } = progress;
  if (rest.failed === undefined) return rest;
  const { failed: __, endedAt: ___, trouble: ____, ...reopened } = rest;
  return reopened;
}
