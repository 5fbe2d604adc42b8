import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { OutcomeCount } from "../domain/deliveries/outcome-count.ts";
import { inChunks, inParallel, queryPages } from "../dynamodb/dynamodb-batches.ts";
import { retrying, throttled } from "../dynamodb/dynamodb-retry.ts";
import { countRequest, countsRequest, readCounts } from "./dynamodb-event-requests.ts";
import type { EventTableAccess } from "./dynamodb-event-table.ts";
import { minutesOf } from "./dynamodb-records.ts";
import type { OutcomeCounts } from "./outcome-counts.ts";

/** An update expression has 4 KB and 300 operators. */
const COUNTS_PER_REQUEST = 100;

const MINUTE_MS = 60_000;

/** Minutes that are read at once, before their counts are added up. */
const MINUTES_AT_ONCE = 256;

/** Counts of outcomes in DynamoDB: a minute has a few items, whose counts add up. */
export function dynamodbOutcomeCounts(access: EventTableAccess): OutcomeCounts {
  const tableName = access.table.name;

  async function add(minute: Date, counts: readonly OutcomeCount[]): Promise<void> {
    const request = new UpdateCommand(countRequest(tableName, minute, counts, access.random()));
    // Only what has certainly not been counted is counted again.
    await retrying(access, access.table, () => access.client.send(request), throttled);
  }

  async function countsOf(minute: Date): Promise<OutcomeCount[]> {
    const pages = await Array.fromAsync(queryPages(access, countsRequest(tableName, minute)));
    const counts = pages.flat().flatMap((item) => readCounts(minute, item));
    return addedUp(counts).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  return {
    async count(counts) {
      const byMinute = Map.groupBy(addedUp(counts), ({ minute }) => minute.getTime());
      await inParallel([...byMinute], ([ms, those]) =>
        inChunks(those, COUNTS_PER_REQUEST, (chunk) => add(new Date(ms), chunk)),
      );
    },
    async counts({ from, to }) {
      const found: OutcomeCount[] = [];
      const first = Math.ceil(from.getTime() / MINUTE_MS) * MINUTE_MS;
      for (let some = first; some < to.getTime(); some += MINUTES_AT_ONCE * MINUTE_MS) {
        const end = new Date(Math.min(some + MINUTES_AT_ONCE * MINUTE_MS, to.getTime()));
        found.push(...(await inParallel([...minutesOf({ from: new Date(some), to: end })], countsOf)).flat());
      }
      return found;
    },
  };
}

/** One count per minute and name. */
function addedUp(counts: readonly OutcomeCount[]): OutcomeCount[] {
  const groups = Map.groupBy(counts, (count) => `${count.minute.getTime()} ${nameOf(count)}`);
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    return [{ ...first, count: others.reduce((sum, { count }) => sum + count, first.count) }];
  });
}

function nameOf({ component, version, outcome }: OutcomeCount): string {
  return [component, version, outcome].join("\n");
}
