import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryCounts } from "../../event-store/delivery-counts.ts";
import { readCounts } from "./read-counts.ts";

/** A version some of whose first attempts have failed; an empty version: nobody knows which. */
export type FailingVersion = { component: string; version: string; tried: number; failed: number };

/** Which versions of which components have failures at all, those with most first. Counted alone. */
export async function failingVersions(
  events: Pick<DeliveryCounts, "counts">,
  window: TimeWindow,
): Promise<FailingVersion[]> {
  const { counts } = await readCounts(events, window);
  return [...Map.groupBy(counts, ({ component, version }) => JSON.stringify([component, version]))]
    .map(([, some]) => ({
      component: some[0]?.component ?? "",
      version: some[0]?.version ?? "",
      tried: some.reduce((sum, { firsts }) => sum + firsts, 0),
      failed: some.reduce((sum, { failed }) => sum + failed, 0),
    }))
    .filter(({ failed }) => failed > 0)
    .toSorted((a, b) => b.failed - a.failed);
}
