/** Node's longest timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * One timer for deadlines nearly none of which is ever reached: it isn't set and cleared for each of them. Times are those
 * of `performance.now()`. It doesn't keep the process alive.
 *
 * @param ring called once the earliest deadline that it was told since the last call has come, whether or not it still
 *   is of interest; says which is the earliest of those that are
 * @returns tells it a deadline
 */
export function deadlineTimer(ring: (nowMs: number) => number | undefined): (deadlineMs: number) => void {
  let timer: NodeJS.Timeout | undefined;
  let setToMs = Number.POSITIVE_INFINITY;

  function set(deadlineMs: number): void {
    if (deadlineMs >= setToMs) return;
    clearTimeout(timer);
    setToMs = deadlineMs;
    const ms = Math.min(Math.max(0, Math.ceil(deadlineMs - performance.now())), MAX_TIMER_MS);
    timer = setTimeout(expire, ms).unref();
  }

  function expire(): void {
    setToMs = Number.POSITIVE_INFINITY;
    const next = ring(performance.now());
    if (next !== undefined) set(next);
  }

  return set;
}
