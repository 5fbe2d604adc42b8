import { DeleteCommand, type QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import type { Watch, WatchKey } from "../domain/health/watch.ts";
import { putLockedText } from "../dynamodb/conditional-write.ts";
import { type Item, type ItemKey, queryPages, type TableAccess } from "../dynamodb/dynamodb-batches.ts";
import { retrying } from "../dynamodb/dynamodb-retry.ts";
import { refuseNewerItem } from "../dynamodb/item-layout.ts";
import { decodeWatch, encodeWatch } from "./watch-codec.ts";
import type { WatchStore } from "./watch-store.ts";

/*
 * A watch as an item of the event table:
 *
 * | attribute | type | what                                                       |
 * |-----------|------|------------------------------------------------------------|
 * | `pk`      | S    | `watches`                                                  |
 * | `sk`      | S    | `COMPONENT#ALIAS#VERSION`: the first two have no # in them |
 * | `lock`    | N    | lock                                                       |
 * | `text`    | S    | the watch as JSON                                          |
 * | `change`  | S    | the id of the change that made this lock                   |
 * | `v`       | N    | its layout                                                 |
 */

const PARTITION = "watches";

export type DynamoDBWatchStoreOptions = Omit<TableAccess, "table"> & {
  /** The event store's table. */
  tableName: string;
  /** Drawn at random per change: by it a repeated request recognises what it did before. */
  newId: () => string;
};

/**
 * The guards' watches in the event store's DynamoDB table, all in one partition: made for some hundreds of them.
 *
 * Requests: `watches` 1 Query, and more past 1 MB; `put` 1 PutItem, and 1 GetItem more when one whose answer was lost is
 * refused; `remove` 1 DeleteItem.
 */
export function dynamodbWatchStore(options: DynamoDBWatchStoreOptions): WatchStore {
  const { tableName, newId, ...retried } = options;
  const access: TableAccess = { ...retried, table: { name: tableName, setting: "TURNOUT_EVENT_TABLE" } };
  const { client, table } = access;

  return {
    async watches(component) {
      const pages = await Array.fromAsync(queryPages(access, watchesRequest(tableName, component)));
      return pages.flat().map(readItem);
    },
    async put(watch) {
      const next: Watch = { ...watch, lock: watch.lock + 1 };
      const written = { lock: watch.lock, text: encodeWatch(next), change: newId() };
      return (await putLockedText(access, itemKey(watch), written)) ? next : undefined;
    },
    async remove(watch) {
      const request = { TableName: tableName, Key: itemKey(watch) };
      await retrying(access, table, () => client.send(new DeleteCommand(request)));
    },
  };
}

function itemKey({ component, alias, version }: WatchKey): ItemKey {
  return { pk: PARTITION, sk: `${component}#${alias}#${version}` };
}

function watchesRequest(tableName: string, component: string | undefined): QueryCommandInput {
  const request = { TableName: tableName, ConsistentRead: true };
  if (component === undefined) {
    const values = { ":watches": PARTITION };
    return { ...request, KeyConditionExpression: "pk = :watches", ExpressionAttributeValues: values };
  }
  return {
    ...request,
    KeyConditionExpression: "pk = :watches AND begins_with(sk, :component)",
    ExpressionAttributeValues: { ":watches": PARTITION, ":component": `${component}#` },
  };
}

/** @throws NewerLayout when a newer Turnout has written it */
function readItem(item: Item): Watch {
  refuseNewerItem(item);
  const [component = "", alias = "", ...rest] = item.sk.split("#");
  return decodeWatch({ component, alias, version: rest.join("#") }, Number(item.lock), String(item.text));
}
