import { BatchWriteCommand, DeleteCommand } from "@aws-sdk/lib-dynamodb";
import type { InboxItem } from "../domain/deliveries/inbox-item.ts";
import type { LaptopLease } from "../domain/routing/laptop-lease.ts";
import { putLockedText, writeOnCondition } from "../dynamodb/conditional-write.ts";
import {
  type Item,
  type ItemKey,
  inChunks,
  queryPages,
  type TableAccess,
  writeItems,
} from "../dynamodb/dynamodb-batches.ts";
import { retrying } from "../dynamodb/dynamodb-retry.ts";
import { itemLayout, refuseNewerItem } from "../dynamodb/item-layout.ts";
import { decodeItem, decodeLease } from "./laptop-codec.ts";
import type { Inbox, LaptopStore } from "./laptop-store.ts";

/*
 * Leases and what waits for them, as items of the event table:
 *
 * | attribute | type | of a lease                        | of what waits                                |
 * |-----------|------|-----------------------------------|----------------------------------------------|
 * | `pk`      | S    | `laptops`                         | `inbox#COMPONENT#ALIAS`                      |
 * | `sk`      | S    | `COMPONENT#ALIAS`                 | `TIME#REQUEST`: in the order in which it came |
 * | `text`    | S    | the lease as JSON                 | the item as JSON                             |
 * | `lock`    | N    | its lock                          |                                              |
 * | `change`  | S    | the id of the change of this lock |                                              |
 * | `expires` | N    |                                   | when it is of no use any more, in seconds    |
 * | `v`       | N    | its layout                        | its layout                                   |
 */

const LEASES = "laptops";

/** An item outlives by far what its attempt may take. */
const EXPIRES_AFTER_S = 2 * 86_400;

/** As many as one BatchWriteItem takes. */
const REMOVED_AT_ONCE = 25;

export type DynamoDBLaptopStoreOptions = Omit<TableAccess, "table"> & {
  /** The event store's table. */
  tableName: string;
  /** Drawn at random per change: by it a repeated request recognises what it did before. */
  newId: () => string;
};

/**
 * Requests: `leases` 1 Query; `putLease` 1 PutItem, and 1 GetItem more when one whose answer was lost is refused; `deliver`
 * 1 BatchWriteItem; `inbox` 1 Query; `remove` 1 BatchWriteItem per 25 items.
 */
export function dynamodbLaptopStore(options: DynamoDBLaptopStoreOptions): LaptopStore {
  const { tableName, newId, ...retried } = options;
  const access: TableAccess = { ...retried, table: { name: tableName, setting: "TURNOUT_EVENT_TABLE" } };
  const { client, table } = access;

  /** @throws NewerLayout when a newer Turnout has written one of them: it is left as it is */
  async function first(pk: string, limit?: number): Promise<Item[]> {
    const request = {
      TableName: tableName,
      ConsistentRead: true,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": pk },
      ...(limit !== undefined && { Limit: limit }),
    };
    const found: Item[] = [];
    for await (const page of queryPages(access, request)) {
      page.forEach(refuseNewerItem);
      found.push(...page);
      if (limit !== undefined && found.length >= limit) break;
    }
    return limit === undefined ? found : found.slice(0, limit);
  }

  async function removeAll(keys: readonly ItemKey[]): Promise<void> {
    await inChunks(keys, REMOVED_AT_ONCE, async (chunk) => {
      // What stays for now is removed by whoever looks next, or expires.
      const requests = chunk.map((Key) => ({ DeleteRequest: { Key } }));
      const RequestItems = { [tableName]: requests };
      await retrying(access, table, () => client.send(new BatchWriteCommand({ RequestItems })));
    });
  }

  return {
    async leases() {
      return (await first(LEASES)).map(({ sk, lock, text }) => {
        const [component = "", alias = ""] = String(sk).split("#");
        return decodeLease(String(text), { component, alias, lock: Number(lock) });
      });
    },
    async putLease(lease) {
      const next: LaptopLease = { ...lease, lock: lease.lock + 1 };
      const written = { lock: lease.lock, text: JSON.stringify(next), change: newId() };
      return (await putLockedText(access, leaseKey(lease), written)) ? next : undefined;
    },
    async removeLease(lease) {
      const request = {
        TableName: tableName,
        Key: leaseKey(lease),
        ConditionExpression: "#lock = :lock",
        ExpressionAttributeNames: { "#lock": "lock" },
        ExpressionAttributeValues: { ":lock": lease.lock },
      };
      await writeOnCondition(
        access,
        () => client.send(new DeleteCommand(request)),
        async () => true,
      );
    },
    async deliver(item) {
      const expires = Math.ceil(Date.parse(item.at) / 1_000) + EXPIRES_AFTER_S;
      await writeItems(access, [{ ...itemKey(item), text: JSON.stringify(item), expires, ...itemLayout }]);
    },
    async inbox(inbox, limit) {
      const found = (await first(partitionOf(inbox), limit)).map((stored) => ({
        stored,
        item: decodeItem(String(stored.text)),
      }));
      const damaged = found.flatMap(({ stored: { pk, sk }, item }) => (item === undefined ? [{ pk, sk }] : []));
      await removeAll(damaged);
      return found.flatMap(({ item }): InboxItem[] => (item === undefined ? [] : [item]));
    },
    remove: (items) => removeAll(items.map(itemKey)),
  };
}

function leaseKey({ component, alias }: Inbox): ItemKey {
  return { pk: LEASES, sk: `${component}#${alias}` };
}

function partitionOf({ component, alias }: Inbox): string {
  return `inbox#${component}#${alias}`;
}

function itemKey(item: InboxItem): ItemKey {
  return { pk: partitionOf(item), sk: `${item.at}#${item.requestId}` };
}
