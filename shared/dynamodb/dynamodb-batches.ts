import {
  BatchGetCommand,
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { type DynamoDBTable, PartlyServed, type Retrying, retrying } from "./dynamodb-retry.ts";

/** A table and how it is talked to. */
export type TableAccess = Retrying & {
  /** Should not retry by itself: what is tried again, and how, is decided here. */
  client: Pick<DynamoDBDocumentClient, "send">;
  table: DynamoDBTable;
};

export type ItemKey = { pk: string; sk: string };
export type Item = ItemKey & Record<string, unknown>;

/** DynamoDB takes so many keys in a BatchGetItem, and so many items in a BatchWriteItem. */
const KEYS_PER_READ = 100;
const ITEMS_PER_WRITE = 25;

/** Requests of one call under way at a time. */
const IN_PARALLEL = 16;

export function keyText({ pk, sk }: ItemKey): string {
  return `${pk}\n${sk}`;
}

/** Reads items consistently, by the text of their keys. Keys may repeat. 1 request per 100 keys, and more past 16 MB. */
export async function readItems(access: TableAccess, keys: readonly ItemKey[]): Promise<Map<string, Item>> {
  const distinct = distinctBy(keys, keyText);
  const found = new Map<string, Item>();
  await inChunks(distinct, KEYS_PER_READ, async (chunk) => {
    let left = chunk.map(({ pk, sk }) => ({ pk, sk }));
    await retrying(access, access.table, async () => {
      const RequestItems = { [access.table.name]: { Keys: left, ConsistentRead: true } };
      const { Responses, UnprocessedKeys } = await access.client.send(new BatchGetCommand({ RequestItems }));
      for (const item of (Responses?.[access.table.name] ?? []) as Item[]) found.set(keyText(item), item);
      left = (UnprocessedKeys?.[access.table.name]?.Keys ?? []) as ItemKey[];
      if (left.length > 0) throw new PartlyServed(`${left.length} of ${chunk.length} items weren't read`);
    });
  });
  return found;
}

/** Stores items, whatever is there. Of several with one key the last is stored. 1 request per 25 items. */
export async function writeItems(access: TableAccess, items: readonly Item[]): Promise<void> {
  await inChunks(distinctBy(items, keyText), ITEMS_PER_WRITE, async (chunk) => {
    type Write = { PutRequest: { Item: Record<string, unknown> } };
    let left = chunk.map((Item): Write => ({ PutRequest: { Item } }));
    await retrying(access, access.table, async () => {
      const RequestItems = { [access.table.name]: left };
      const { UnprocessedItems } = await access.client.send(new BatchWriteCommand({ RequestItems }));
      left = (UnprocessedItems?.[access.table.name] ?? []) as Write[];
      if (left.length > 0) throw new PartlyServed(`${left.length} of ${chunk.length} items weren't written`);
    });
  });
}

/** A query's pages, one request each. */
export async function* queryPages(access: TableAccess, request: QueryCommandInput): AsyncGenerator<Item[]> {
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const input = ExclusiveStartKey === undefined ? request : { ...request, ExclusiveStartKey };
    const page = await retrying(access, access.table, () => access.client.send(new QueryCommand(input)));
    ExclusiveStartKey = page.LastEvaluatedKey;
    yield (page.Items ?? []) as Item[];
  } while (ExclusiveStartKey !== undefined);
}

/** The last of each key, in the order in which the keys came. */
export function distinctBy<T>(all: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map(all.map((one) => [keyOf(one), one])).values()];
}

/** Works on chunks in parallel, and rejects only once nothing is under way any more. */
export function inChunks<T, R>(all: readonly T[], size: number, work: (chunk: T[]) => Promise<R>): Promise<R[]> {
  const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
  return inParallel(chunks, work);
}

/** Works on all of these, so many at a time, and rejects only once nothing is under way any more. */
export async function inParallel<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = all.entries();
  const workers = Array.from({ length: Math.min(IN_PARALLEL, all.length) }, async () => {
    for (const [index, one] of waiting) results[index] = await work(one);
  });
  for (const worker of await Promise.allSettled(workers)) if (worker.status === "rejected") throw worker.reason;
  return results;
}
