import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Item, ItemKey, TableAccess } from "./dynamodb-batches.ts";
import { retrying, throttled } from "./dynamodb-retry.ts";
import { itemLayout } from "./item-layout.ts";

/**
 * Makes a write that has a condition; false when what it asks for isn't so. An answer that is lost leaves a doubt: the
 * second try is refused by what the first one did. Then, and only then, `wasMade` tells whether that was this write.
 */
export function writeOnCondition(
  access: TableAccess,
  write: () => Promise<unknown>,
  wasMade: () => Promise<boolean>,
): Promise<boolean> {
  let inDoubt = false;
  return retrying(access, access.table, async () => {
    try {
      await write();
      return true;
    } catch (error) {
      if (isConditionRefused(error)) return inDoubt && (await wasMade());
      if (!throttled(error)) inDoubt = true;
      throw error;
    }
  });
}

function isConditionRefused(error: unknown): boolean {
  return error instanceof Error && error.name === "ConditionalCheckFailedException";
}

/**
 * Stores a text under a lock one higher than `lock`, if that is the stored one, 0 standing for no item; false when it
 * isn't. 1 PutItem, and 1 GetItem more when one whose answer was lost is refused.
 * @param change drawn at random: by it a repeated request recognises what it did before
 */
export function putLockedText(
  access: TableAccess,
  key: ItemKey,
  { lock, text, change }: { lock: number; text: string; change: string },
): Promise<boolean> {
  const { client, table } = access;
  const isFirst = lock === 0;
  const request = {
    TableName: table.name,
    Item: { ...key, lock: lock + 1, text, change, ...itemLayout } satisfies Item,
    ConditionExpression: isFirst ? "attribute_not_exists(pk)" : "#lock = :before",
    ...(!isFirst && {
      ExpressionAttributeNames: { "#lock": "lock" },
      ExpressionAttributeValues: { ":before": lock },
    }),
  };
  return writeOnCondition(
    access,
    () => client.send(new PutCommand(request)),
    async () => {
      const { Item: found } = await client.send(
        new GetCommand({ TableName: table.name, Key: key, ConsistentRead: true }),
      );
      return found?.change === change;
    },
  );
}
