import type { BodyStore } from "../body-store/body-store.ts";
import type { ShardSchedule } from "../domain/deliveries/shard-schedule.ts";
import type { TableAccess } from "../dynamodb/dynamodb-batches.ts";

/** The one table of the event store, with what its parts need besides. */
export type EventTableAccess = TableAccess & {
  /** How many partitions the records of a minute are spread over. */
  recordShards: ShardSchedule;
  /** How many partitions the deliveries are spread over that wait until they are due. */
  dueShards: ShardSchedule;
  /** Where bodies go that are too large for the table. */
  bodies: BodyStore;
};
