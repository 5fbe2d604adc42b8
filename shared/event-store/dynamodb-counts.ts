import { countSpans } from "../domain/health/delivery-count.ts";
import type { Failure } from "../domain/health/failure.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import { inParallel, queryPages, writeItems } from "../dynamodb/dynamodb-batches.ts";
import { together } from "./count-codec.ts";
import type { DeliveryCounts, ReadCounts } from "./delivery-counts.ts";
import {
  countItem,
  countsRequest,
  failureItem,
  failuresRequest,
  readCountItem,
  readFailureItem,
} from "./dynamodb-count-requests.ts";
import type { EventTableAccess } from "./dynamodb-event-table.ts";

/** Spans that are read at once, before their counts are added up. */
const SPANS_AT_ONCE = 256;

/** Hours whose failures are read at once. */
const HOURS_AT_ONCE = 16;

/** Counts of deliveries in DynamoDB: an item per span and process. */
export function dynamodbCounts(access: EventTableAccess): DeliveryCounts {
  const tableName = access.table.name;
  // A table that is throttled has no time for counts: they are stored with what comes next.
  const once = { ...access, retry: { ...access.retry, maxAttempts: 1 } };

  async function failuresOf(component: string, hour: Date, window: TimeWindow, limit: number): Promise<Failure[]> {
    const found: Failure[] = [];
    for await (const page of queryPages(access, failuresRequest(tableName, component, hour, window, limit))) {
      found.push(...page.flatMap((item) => readFailureItem(component, item)));
      if (found.length >= limit) break;
    }
    return found.slice(0, limit);
  }

  return {
    async count({ spans, failures }, instance) {
      await writeItems(once, [...spans.map((one) => countItem(one, instance)), ...failures.map(failureItem)]);
    },
    async counts({ from, to }, span) {
      const ms = countSpans[span];
      const found: ReadCounts[] = [];
      const countsOf = async (at: Date) => {
        const pages = await Array.fromAsync(queryPages(access, countsRequest(tableName, at, span)));
        return together(pages.flat().map((item) => readCountItem(at, item)));
      };
      const first = Math.ceil(from.getTime() / ms) * ms;
      for (let some = first; some < to.getTime(); some += SPANS_AT_ONCE * ms) {
        const count = Math.min(SPANS_AT_ONCE, Math.ceil((to.getTime() - some) / ms));
        const starts = Array.from({ length: count }, (_, n) => new Date(some + n * ms));
        found.push(...(await inParallel(starts, countsOf)));
      }
      return together(found);
    },
    async failures(component, window, limit) {
      const ms = countSpans.hour;
      const found: Failure[] = [];
      const first = Math.floor(window.from.getTime() / ms) * ms;
      let last = Math.floor((window.to.getTime() - 1) / ms) * ms;
      for (; last >= first && found.length < limit; last -= HOURS_AT_ONCE * ms) {
        const count = Math.min(HOURS_AT_ONCE, (last - first) / ms + 1);
        const hours = Array.from({ length: count }, (_, n) => new Date(last - n * ms));
        const left = limit - found.length;
        found.push(...(await inParallel(hours, (hour) => failuresOf(component, hour, window, left))).flat());
      }
      return found.slice(0, limit);
    },
  };
}
