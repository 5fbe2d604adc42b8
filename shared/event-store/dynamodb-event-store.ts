import type { LedgerEntry } from "../domain/deliveries/delivery.ts";
import { inParallel, queryPages } from "../dynamodb/dynamodb-batches.ts";
import { dynamodbCounts } from "./dynamodb-counts.ts";
import { dueDeliveries } from "./dynamodb-due.ts";
import { entriesRequest } from "./dynamodb-event-requests.ts";
import type { EventTableAccess } from "./dynamodb-event-table.ts";
import { dynamodbLedger } from "./dynamodb-ledger.ts";
import { dynamodbRecords } from "./dynamodb-records.ts";
import { decodeEntry } from "./entry-codec.ts";
import type { EventStore } from "./event-store.ts";

export type DynamoDBEventStoreOptions = Omit<EventTableAccess, "table"> & { tableName: string };

/**
 * Records and ledger in one DynamoDB table; its layout stands in `dynamodb-event-requests.ts`.
 *
 * Requests: `claim` 1 BatchExecuteStatement per 25, and 1 BatchGetItem per 100 that aren't new; `record` 1
 * BatchWriteItem per 25; `release` 1 BatchExecuteStatement per 25; `close` 1 BatchExecuteStatement per 25, with 1
 * BatchWriteItem before it if any is due later; `count` 1 BatchWriteItem per 25 spans and failures; `find` and `deliveries` 1 BatchGetItem
 * per 100; `deliveriesOf` 1 Query per event; `due` 1 Query and 1 BatchGetItem per 100 on each due shard; `handOver` 1
 * BatchWriteItem and 2 BatchExecuteStatements per 25; `records` 1 Query per minute and shard, from the minute of `after`
 * on, and more past 1 MB or a page; `counts` 1 Query per minute or hour; `failures` 1
 * Query per hour.
 */
export function dynamodbEventStore({ tableName, ...options }: DynamoDBEventStoreOptions): EventStore {
  const access: EventTableAccess = { ...options, table: { name: tableName, setting: "TURNOUT_EVENT_TABLE" } };
  const { due, handOver } = dueDeliveries(access);

  async function entriesOf(eventKey: string): Promise<LedgerEntry[]> {
    const pages = await Array.fromAsync(queryPages(access, entriesRequest(tableName, eventKey)));
    return pages.flat().map(decodeEntry);
  }

  return {
    ...dynamodbRecords(access),
    ...dynamodbLedger(access),
    ...dynamodbCounts(access),
    due,
    handOver,
    async deliveriesOf(eventKeys) {
      const distinct = [...new Set(eventKeys)];
      const found = await inParallel(distinct, entriesOf);
      return new Map(
        distinct.flatMap((eventKey, index): [string, LedgerEntry[]][] => {
          const entries = found[index] ?? [];
          return entries.length === 0 ? [] : [[eventKey, entries]];
        }),
      );
    },
    // DynamoDB removes items by itself.
    expire: (now, limit) => access.bodies.expire(now, limit),
  };
}
