import * as z from "zod/mini";
import { Instant } from "../text/schema.ts";

/**
 * When a rule counts: from `from` (inclusive) until `until` (exclusive). Either may be left out. Strict, and so is every
 * rule that extends it: with its `until` misspelt and ignored, a rule would never end.
 */
export const Period = z.strictObject({ from: z.optional(Instant), until: z.optional(Instant) });
export type Period = z.infer<typeof Period>;

/** Why the rule doesn't count at `now`, e.g. `expired 2026-11-20T10:00:00.000Z`; undefined when it does. */
export function outsidePeriod(period: Period, now: Date): string | undefined {
  if (period.from === undefined && period.until === undefined) return undefined;
  const instant = now.toISOString();
  if (period.until !== undefined && period.until <= instant) return `expired ${period.until}`;
  if (period.from !== undefined && instant < period.from) return `starts ${period.from}`;
  return undefined;
}
