import type {
  GetCommandInput,
  QueryCommandInput,
  TransactGetCommandInput,
  TransactWriteCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { murmur3, sha256 } from "../domain/hash.ts";
import { LAYOUT } from "../domain/layout.ts";
import type { ComponentKey, Revision, RoutingChange, RowKey, SourceKey } from "../domain/routing/routing-change.ts";
import { isKeyOf } from "../domain/routing/routing-change.ts";
import { rowText } from "../domain/routing/stored-row.ts";
import { isSubjectKey, type SubjectLevel } from "../domain/subject.ts";
import { splitKey } from "../domain/text/split-key.ts";
import { encodeChange } from "./routing-codec.ts";

/**
 * The routing table's layout, one table with the string keys `pk` and `sk`:
 *
 * | pk              | sk              | attributes                                                        |
 * |-----------------|-----------------|-------------------------------------------------------------------|
 * | `head`          | `head`          | `revision`, and `layout` of the whole table; without it, 2        |
 * | `log`           | 16-digit number | `entry`: the change log entry as JSON text                        |
 * | `change#HASH`   | `change`        | `revision` at which the change with this id was committed         |
 * | `components`    | `names`         | one attribute per component and source, named by its row key, and |
 * |                 |                 | `users` once a user has had a row                                 |
 * | `component#…`   | `row`           | `value`: the row as JSON text                                     |
 * | `source#…`      | `row`           | `value`                                                           |
 * | `settings#…`    | `row`           | `value`                                                           |
 * | `LEVEL#SHARD`   | the subject id  | `value`; within a shard sorted by id, so that a level can be listed |
 *
 * Rows are JSON text rather than maps: exact, and half the CPU of marshalling.
 */
export type ItemKey = { pk: string; sk: string };

const HEAD: ItemKey = { pk: "head", sk: "head" };
/** The attribute of `NAMES` that stays once a user has had a row: whether it was the last can't be told in passing. */
const USERS = "users";
export const NAMES: ItemKey = { pk: "components", sk: "names" };

/**
 * Partitions per subject level. Each takes 3,000 read units a second, or 1,500 transactional row reads; more shards
 * make cold starts wider and the shortest listing longer. Part of the layout: another number is a migration.
 */
const SHARDS = 8;
export const subjectShards: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => String(shard));

/** DynamoDB takes 100 items in a transaction; the head is one of them. */
export const MAX_KEYS_PER_READ = 99;

export function itemKeyOf(key: RowKey): ItemKey {
  if (!isSubjectKey(key)) return { pk: key, sk: "row" };
  const [level, id] = splitKey(key);
  return { pk: `${level}#${murmur3(id) % SHARDS}`, sk: id };
}

function logKey(revision: Revision): ItemKey {
  return { pk: "log", sk: String(revision).padStart(16, "0") };
}

function changeKey(changeId: string): ItemKey {
  return { pk: `change#${sha256(changeId)}`, sk: "change" };
}

/** 0.5 RRU × 2 for consistency. */
export function headRequest(tableName: string): GetCommandInput {
  return { TableName: tableName, Key: HEAD, ConsistentRead: true };
}

/** The head first, then these items, all as of one moment. 2 RRU per item of up to 4 KB. */
export function togetherRequest(tableName: string, keys: readonly ItemKey[]): TransactGetCommandInput {
  return { TransactItems: [HEAD, ...keys].map((Key) => ({ Get: { TableName: tableName, Key } })) };
}

/** What decides a commit's fate, for `togetherRequest`: the entry that took its revision, and its own mark. */
export function fateKeys(changeId: string, expected: Revision): [ItemKey, ItemKey] {
  return [logKey(expected + 1), changeKey(changeId)];
}

export function logRequest(tableName: string, after: Revision, limit: number): QueryCommandInput {
  return {
    TableName: tableName,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :log AND sk > :after",
    ExpressionAttributeValues: { ":log": "log", ":after": logKey(after).sk },
    Limit: limit,
  };
}

export function subjectsRequest(
  tableName: string,
  level: SubjectLevel,
  shard: string,
  beginning: string,
): QueryCommandInput {
  // No condition on a key takes an empty text.
  const begins = beginning !== "";
  return {
    TableName: tableName,
    ConsistentRead: true,
    KeyConditionExpression: begins ? "pk = :shard AND begins_with(sk, :beginning)" : "pk = :shard",
    ExpressionAttributeValues: { ":shard": `${level}#${shard}`, ...(begins && { ":beginning": beginning }) },
  };
}

/**
 * The change as one transaction: head, log entry, mark of the change id, rows, and the list of components and sources when
 * one of these is touched. At most 94 items; 2 WRU per item and KB.
 * @throws TurnoutError `not allowed` when the change is too large for one transaction, or has a row that could not be read back
 */
export function commitRequest(tableName: string, change: RoutingChange, expected: Revision): TransactWriteCommandInput {
  const revision = expected + 1;
  const entry = encodeChange(change, revision);
  const create = (item: ItemKey & Record<string, unknown>) => ({
    Put: { TableName: tableName, Item: item, ConditionExpression: "attribute_not_exists(pk)" },
  });
  const rows = change.rows.map(({ key, after }) => {
    const Key = itemKeyOf(key);
    if (after === null) return { Delete: { TableName: tableName, Key } };
    return { Put: { TableName: tableName, Item: { ...Key, value: rowText(after) } } };
  });
  return {
    // For ten minutes DynamoDB answers the same request as it did the first time. Tokens hold for the whole account, and
    // another attempt of the same change, planned on newer rows, is another request: so table and entry are in it.
    ClientRequestToken: sha256(`${tableName} ${entry}`).slice(0, 36),
    TransactItems: [
      { Update: { TableName: tableName, Key: HEAD, ...headUpdate(expected) } },
      create({ ...logKey(revision), entry }),
      create({ ...changeKey(change.changeId), revision }),
      ...rows,
      ...namesUpdate(tableName, change),
    ],
  };
}

/** Gives the table this layout. One that a newer Turnout has given its own is not written to. */
function headUpdate(expected: Revision) {
  const UpdateExpression = "SET revision = :next, layout = :layout";
  const next = { ":next": expected + 1, ":layout": LAYOUT };
  if (expected === 0) {
    const ConditionExpression = "attribute_not_exists(revision)";
    return { UpdateExpression, ConditionExpression, ExpressionAttributeValues: next };
  }
  return {
    UpdateExpression,
    ConditionExpression: "revision = :expected AND (attribute_not_exists(layout) OR layout <= :layout)",
    ExpressionAttributeValues: { ...next, ":expected": expected },
  };
}

/**
 * The list of components and sources is an item of its own, changed in the same transaction, because a Query beside a
 * transaction may show half of it (read-committed), and a component that was missed would stay missed.
 */
function namesUpdate(tableName: string, { rows }: RoutingChange) {
  const named = rows.filter(({ key }) => isKeyOf("component", key) || isKeyOf("source", key));
  const user = rows.find(({ key, after }) => isKeyOf("user", key) && after !== null);
  const touched = [...named, ...(user === undefined ? [] : [{ key: USERS, after: user.after }])];
  if (touched.length === 0) return [];
  const placeholders = Object.fromEntries(touched.map(({ key }, index) => [`#c${index}`, key]));
  const listed = touched.flatMap(({ after }, index) => (after === null ? [] : [`#c${index} = :listed`]));
  const gone = touched.flatMap(({ after }, index) => (after === null ? [`#c${index}`] : []));
  const expressions = [
    ...(listed.length === 0 ? [] : [`SET ${listed.join(", ")}`]),
    ...(gone.length === 0 ? [] : [`REMOVE ${gone.join(", ")}`]),
  ];
  return [
    {
      Update: {
        TableName: tableName,
        Key: NAMES,
        UpdateExpression: expressions.join(" "),
        ExpressionAttributeNames: placeholders,
        ...(listed.length === 0 ? {} : { ExpressionAttributeValues: { ":listed": true } }),
      },
    },
  ];
}

/** Whether a user has a row, or had one. */
export function usersHaveRowsIn(names: Record<string, unknown> | undefined): boolean {
  return names?.[USERS] !== undefined;
}

/** The component keys that the list of components and sources names, by name. */
export function componentKeysIn(names: Record<string, unknown> | undefined): ComponentKey[] {
  return Object.keys(names ?? {})
    .filter((name): name is ComponentKey => name.startsWith("component#"))
    .sort();
}

/** The source keys that the list of components and sources names, by name. */
export function sourceKeysIn(names: Record<string, unknown> | undefined): SourceKey[] {
  return Object.keys(names ?? {})
    .filter((name): name is SourceKey => name.startsWith("source#"))
    .sort();
}
