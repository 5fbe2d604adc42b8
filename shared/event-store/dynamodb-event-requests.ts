import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import type { DeliveryStatus, LedgerEntry } from "../domain/deliveries/delivery.ts";
import { type ShardSchedule, shardsAt } from "../domain/deliveries/shard-schedule.ts";
import { murmur3 } from "../domain/hash.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import type { Item, ItemKey } from "../dynamodb/dynamodb-batches.ts";
import type { Statement } from "../dynamodb/dynamodb-statements.ts";
import { encodeEntry, entryKey, eventPartition, ownerOf } from "./entry-codec.ts";
import { momentText } from "./record-codec.ts";

/*
 * The event store's layout, one table with the string keys `pk` and `sk`. `entry-codec.ts` and `record-codec.ts` say
 * what stands in the attributes; `expires` is the table's TTL attribute, and `v` the layout of an item that has more in
 * it than its key says.
 *
 * | pk                 | sk                                   | what                                                  |
 * |--------------------|--------------------------------------|-------------------------------------------------------|
 * | `r#MINUTE#SHARD`   | `t0#event key#payload hash`          | event record                                          |
 * | `d#EVENT KEY`      | `component#generation`               | ledger entry                                          |
 * | `due#SHARD`        | `dueAt#delivery key`                 | a delivery that is due then, if its entry agrees; `a`: attempt |
 * | `c#MINUTE`         | who counts                           | what it has counted of the minute, `dynamodb-count-requests.ts` |
 * | `c#HOUR`           | who counts                           | what it has counted of the hour                       |
 * | `f#COMPONENT#HOUR` | `at#delivery key`                    | a first attempt that failed                           |
 * | `replays`          | name                                 | a replay, as `shared/replay-store` has it; never expires |
 */

/** Inserts an entry, if there is none under its key. 1 WRU. */
export function insertEntry(tableName: string, entry: LedgerEntry): Statement {
  const item = { ...entryKey(entry.deliveryKey), ...encodeEntry(entry) };
  const fields = Object.keys(item).map((name) => `'${name}': ?`);
  return {
    Statement: `INSERT INTO "${tableName}" VALUE {${fields.join(", ")}}`,
    Parameters: Object.values(item),
  };
}

/** Replaces an entry, if it is still at the same attempt, in the same status, with the same owner. 1 WRU. */
export function replaceEntry(tableName: string, before: LedgerEntry, entry: LedgerEntry): Statement {
  const { pk, sk } = entryKey(entry.deliveryKey);
  const attributes = encodeEntry(entry);
  const changes = Object.keys(attributes).map((name) => `SET "${name}"=?`);
  if (entry.dueAt === undefined) changes.push('REMOVE "d"');
  if (entry.replay === undefined && before.replay !== undefined) changes.push('REMOVE "r"');
  return {
    Statement: `UPDATE "${tableName}" ${changes.join(" ")} WHERE pk=? AND sk=? AND a=? AND s=? AND o=?`,
    Parameters: [...Object.values(attributes), pk, sk, before.attempt, before.status, ownerOf(before)],
  };
}

/** Replaces an entry that can't be read, if that is what still stands there. 1 WRU. */
export function replaceUnreadable(tableName: string, { pk, sk, e }: Item, entry: LedgerEntry): Statement {
  const attributes = encodeEntry(entry);
  const changes = Object.keys(attributes).map((name) => `SET "${name}"=?`);
  const removed = (["d", "r"] as const).filter((name) => attributes[name] === undefined);
  changes.push(...removed.map((name) => `REMOVE "${name}"`));
  const [asRead, read] = e === undefined ? ["e IS MISSING", []] : ["e=?", [e]];
  return {
    Statement: `UPDATE "${tableName}" ${changes.join(" ")} WHERE pk=? AND sk=? AND ${asRead}`,
    Parameters: [...Object.values(attributes), pk, sk, ...read],
  };
}

/** Removes an entry that its owner has claimed by this attempt, and nothing more. 1 WRU. */
export function removeFirstClaim(tableName: string, deliveryKey: string, owner: string, attempt: number): Statement {
  const { pk, sk } = entryKey(deliveryKey);
  const claimed: DeliveryStatus = "claimed";
  return {
    Statement: `DELETE FROM "${tableName}" WHERE pk=? AND sk=? AND a=? AND s=? AND o=?`,
    Parameters: [pk, sk, attempt, claimed, ownerOf({ owner })],
  };
}

/** Moves an entry's `dueAt`, if neither that nor its attempt and status have changed. 1 WRU. */
export function moveDue(tableName: string, { deliveryKey, attempt, status, dueAt }: LedgerEntry, to: Date): Statement {
  const { pk, sk } = entryKey(deliveryKey);
  return {
    Statement: `UPDATE "${tableName}" SET d=? WHERE pk=? AND sk=? AND a=? AND s=? AND d=?`,
    Parameters: [to.getTime(), pk, sk, attempt, status, dueAt?.getTime()],
  };
}

export function entriesRequest(tableName: string, eventKey: string): QueryCommandInput {
  return {
    TableName: tableName,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :event",
    ExpressionAttributeValues: { ":event": eventPartition(eventKey) },
  };
}

/** What makes a due item: the attempt tells whether the close that it was written for may still come. */
export type DueItem = { deliveryKey: string; dueAt: Date; attempt: number };

/** Spread by delivery, over the shards in force when it is due, so that its place can be told later. */
export function dueKey({ deliveryKey, dueAt }: Omit<DueItem, "attempt">, schedule: ShardSchedule): ItemKey {
  return {
    pk: duePartition(murmur3(deliveryKey) % shardsAt(schedule, dueAt)),
    sk: `${momentText(dueAt)}#${deliveryKey}`,
  };
}

function duePartition(shard: number): string {
  return `due#${shard}`;
}

export function dueItem(due: DueItem, expiresAt: Date, schedule: ShardSchedule): Item {
  return { ...dueKey(due, schedule), a: due.attempt, expires: Math.ceil(expiresAt.getTime() / 1_000) };
}

export function readDueItem({ sk, a }: Item): DueItem {
  const [moment = ""] = sk.split("#", 1);
  return { deliveryKey: sk.slice(moment.length + 1), dueAt: new Date(Number(moment)), attempt: Number(a) };
}

/** What is due by `now` on one shard, those due longest first, in pages of at most `limit`. */
export function dueRequest(tableName: string, shard: number, now: Date, limit: number): QueryCommandInput {
  return {
    TableName: tableName,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :shard AND sk < :after",
    ExpressionAttributeValues: { ":shard": duePartition(shard), ":after": momentText(new Date(now.getTime() + 1)) },
    Limit: limit,
  };
}

/** Removes a due item, unless another attempt has put itself in its place. 1 WRU. */
export function removeDue(tableName: string, { pk, sk }: ItemKey, attempt: unknown): Statement {
  const [asRead, read] = attempt === undefined ? ["a IS MISSING", []] : ["a=?", [attempt]];
  return { Statement: `DELETE FROM "${tableName}" WHERE pk=? AND sk=? AND ${asRead}`, Parameters: [pk, sk, ...read] };
}

/** The records of a window on one partition. Pages of at most `limit` items or 1 MB. */
export function recordsRequest(tableName: string, pk: string, window: TimeWindow, limit: number): QueryCommandInput {
  return {
    TableName: tableName,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :minute AND sk BETWEEN :from AND :to",
    // A record's key is longer than its moment: none is equal to an end.
    ExpressionAttributeValues: { ":minute": pk, ":from": momentText(window.from), ":to": momentText(window.to) },
    Limit: limit,
  };
}
