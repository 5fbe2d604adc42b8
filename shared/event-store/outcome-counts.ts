import type { OutcomeCount } from "../domain/deliveries/outcome-count.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";

/** How many deliveries have ended how, by the minute. */
export interface OutcomeCounts {
  /** Adds to the counts of outcomes. Not exactly once: a request whose answer was lost may count twice. */
  count(counts: readonly OutcomeCount[]): Promise<void>;
  /** The counts of the minutes that begin in the window, oldest first. */
  counts(window: TimeWindow): Promise<OutcomeCount[]>;
}
