import { countSpans } from "../../domain/health/delivery-count.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryCounts, ReadCounts } from "../../event-store/delivery-counts.ts";

/** A longer window is read by whole hours, but for its ends: sixty times less to read. */
const BY_MINUTES_MS = 3 * countSpans.hour;

/** The whole minutes that a window touches: counts are kept by these. */
export function wholeMinutes({ from, to }: TimeWindow): TimeWindow {
  const { minute } = countSpans;
  return { from: floored(from, minute), to: new Date(Math.ceil(to.getTime() / minute) * minute) };
}

/** What was counted in the minutes that a window touches, each once; in a long one by the hour where that goes. */
export async function readCounts({ counts }: Pick<DeliveryCounts, "counts">, stated: TimeWindow): Promise<ReadCounts> {
  const { from, to } = wholeMinutes(stated);
  if (to.getTime() - from.getTime() <= BY_MINUTES_MS) return counts({ from, to }, "minute");
  const { hour } = countSpans;
  const firstHour = new Date(Math.ceil(from.getTime() / hour) * hour);
  const lastHour = floored(to, hour);
  const parts = await Promise.all([
    counts({ from, to: firstHour }, "minute"),
    counts({ from: firstHour, to: lastHour }, "hour"),
    counts({ from: lastHour, to }, "minute"),
  ]);
  return {
    counts: parts.flatMap((part) => part.counts),
    dropped: parts.reduce((sum, { dropped }) => sum + dropped, 0),
  };
}

function floored(at: Date, ms: number): Date {
  return new Date(Math.floor(at.getTime() / ms) * ms);
}
