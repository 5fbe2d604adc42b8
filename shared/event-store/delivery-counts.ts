import type { CountSpan, DeliveryCount } from "../domain/health/delivery-count.ts";
import type { CountsToStore } from "../domain/health/delivery-tally.ts";
import type { Failure } from "../domain/health/failure.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";

/** What was counted in a window. */
export type ReadCounts = {
  /** By time and key, each once, the oldest first. */
  counts: DeliveryCount[];
  /** Deliveries that were counted and could not be stored. */
  dropped: number;
};

/** How many deliveries have ended how, by the minute and the hour, and which first attempts have failed. */
export interface DeliveryCounts {
  /**
   * Stores what an instance has counted of these spans so far, in the place of what it stored of them before, and failures
   * beside what is there. Made twice it is as made once. Tried once: whoever counts has it stored with what comes next.
   * @param instance a name that no other process counts by
   */
  count(counted: CountsToStore, instance: string): Promise<void>;
  /** The counts of the spans that begin in the window. */
  counts(window: TimeWindow, span: CountSpan): Promise<ReadCounts>;
  /** Failures of a component in the window, the newest first, at most `limit`. */
  failures(component: string, window: TimeWindow, limit: number): Promise<Failure[]>;
}
