/** How fast something may be begun. */
export type Pace = {
  /** How many of so many may begin now; they count as begun. */
  take(wanted: number, now: Date): number;
  /** How long until the next may, in ms. */
  waitMs(now: Date): number;
};

/** What may be begun at once after a pause, as a part of a second. */
const BURST_SECONDS = 0.1;

/**
 * A token bucket that holds a tenth of a second's worth, one at least. Nothing begins before all that is wanted may, as far
 * as the bucket holds it: twenty claims at once cost a fraction of twenty one by one.
 * @param perSecond undefined: as fast as it goes
 */
export function paceOf(perSecond: number | undefined): Pace {
  if (perSecond === undefined) return { take: (wanted) => wanted, waitMs: () => 0 };
  const most = Math.max(1, perSecond * BURST_SECONDS);
  const whole = Math.floor(most);
  let tokens = most;
  let at: number | undefined;
  const refill = (now: Date) => {
    const elapsedMs = at === undefined ? 0 : Math.max(0, now.getTime() - at);
    at = now.getTime();
    tokens = Math.min(most, tokens + (elapsedMs * perSecond) / 1_000);
  };
  return {
    take(wanted, now) {
      refill(now);
      const taken = Math.min(wanted, whole);
      if (tokens < taken) return 0;
      tokens -= taken;
      return taken;
    },
    waitMs(now) {
      refill(now);
      return Math.max(1, Math.ceil(((whole - tokens) * 1_000) / perSecond));
    },
  };
}
