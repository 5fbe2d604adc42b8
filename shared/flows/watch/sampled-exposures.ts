import type { Subject } from "../../domain/subject.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import { type SampledStore, sampledDeliveries } from "./sampled-deliveries.ts";

/** A first attempt that was looked at to see who a version's events are about. */
export type Exposure = {
  component: string;
  version: string;
  alias: string;
  type: string;
  subject: Subject;
  failed: boolean;
  durationMs?: number;
  /** It had no outcome by its deadline. */
  isMissing?: true;
};

/** Stretches of a window that are looked into, and records taken from each. */
const SAMPLING = { stretches: 40, each: 50 };

/**
 * Some 2,000 of a window's records, from all over it: whose deliveries the components' versions have run. All of them
 * where there are no more.
 * @param random from 0 (inclusive) to 1 (exclusive): where in a stretch it begins
 */
export async function sampledExposures(
  events: SampledStore,
  window: TimeWindow,
  now: Date,
  random: () => number,
  withMissing = false,
): Promise<Exposure[]> {
  const exposures: Exposure[] = [];
  const sampling = { ...SAMPLING, withMissing };
  for await (const { record, entry, first, isMissing } of sampledDeliveries(events, window, now, random, sampling)) {
    const { component, alias } = entry;
    const { version = "", outcome, durationMs } = first;
    const known = {
      component,
      version,
      alias,
      type: record.detailType,
      subject: record.subject,
      failed: outcome !== "done",
    };
    exposures.push({ ...known, ...(durationMs !== undefined && { durationMs }), ...(isMissing && { isMissing }) });
  }
  return exposures;
}
