import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Capacity = { requests: number; readUnits: number; writeUnits: number };

export type CapacityMeter = {
  endpoint: string;
  /** Capacity consumed since the last time this was asked, by operation. */
  take(): { [operation: string]: Capacity };
  close(): void;
};

type Item = Record<string, object>;
/** Of a request or of its answer. */
type JsonBody = Record<string, unknown>;

const READS = new Set(["GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"]);

/** Items whose size is asked for are written here. */
const SCRATCH = "capacity-scratch";

/**
 * A server in front of DynamoDB Local that asks on every request's behalf what it consumed, and adds it up. In front of
 * it and not in the client: adapters make their own clients, and DynamoDB Local doesn't check signatures.
 *
 * DynamoDB Local doesn't say what statements of PartiQL consume, so it is asked for plain writes of the items that they
 * changed: DynamoDB charges an item's size before or after, whichever is larger. For that, requests go one by one.
 */
export async function capacityMeter(target: string): Promise<CapacityMeter> {
  await createTable(target, SCRATCH);
  let taken: { [operation: string]: Capacity } = {};
  let last: Promise<unknown> = Promise.resolve();

  async function metered(operation: string, request: JsonBody): Promise<JsonBody> {
    const before = operation === "BatchExecuteStatement" ? await itemsOf(target, request) : undefined;
    const answer = await dynamodb(target, operation, { ...request, ReturnConsumedCapacity: "TOTAL" });
    const units =
      before === undefined
        ? unitsIn(answer.ConsumedCapacity) + (operation === "BatchGetItem" ? unitsOfMissing(request, answer) : 0)
        : await unitsOfWrites(target, before, await itemsOf(target, request));
    const sofar = taken[operation] ?? { requests: 0, readUnits: 0, writeUnits: 0 };
    taken[operation] = {
      requests: sofar.requests + 1,
      readUnits: sofar.readUnits + (READS.has(operation) ? units : 0),
      writeUnits: sofar.writeUnits + (READS.has(operation) ? 0 : units),
    };
    return answer;
  }

  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
    const answer = last.then(() => metered(operation, JSON.parse(Buffer.concat(chunks).toString()) as JsonBody));
    last = answer.catch(() => {});
    const [status, body] = await answer.then(
      (value) => [200, JSON.stringify(value)] as const,
      (error: unknown) => [400, JSON.stringify({ __type: "ValidationException", message: String(error) })] as const,
    );
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const all = taken;
      taken = {};
      return all;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** One table's, or a list of several tables'. */
function unitsIn(consumed: unknown): number {
  const all = (Array.isArray(consumed) ? consumed : [consumed ?? {}]) as { CapacityUnits?: number }[];
  return all.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
}

/**
 * What DynamoDB charges for keys of a BatchGetItem that have no item. Each is charged as a GetItem, and that takes a unit
 * whether or not there is an item (Amazon DynamoDB Developer Guide, "Capacity unit consumption for read operations");
 * DynamoDB Local does so for a GetItem, and leaves it out here.
 */
function unitsOfMissing({ RequestItems = {} }: JsonBody, { Responses = {}, UnprocessedKeys = {} }: JsonBody): number {
  const asked = Object.entries(RequestItems as Record<string, { Keys: unknown[]; ConsistentRead?: boolean }>);
  return asked.reduce((sum, [table, { Keys, ConsistentRead = false }]) => {
    const found = (Responses as Record<string, unknown[]>)[table]?.length ?? 0;
    const left = (UnprocessedKeys as Record<string, { Keys: unknown[] }>)[table]?.Keys.length ?? 0;
    return sum + (Keys.length - found - left) * (ConsistentRead ? 1 : 0.5);
  }, 0);
}

/** The items that statements name, by table and key; undefined for one that isn't there. */
async function itemsOf(target: string, request: JsonBody): Promise<Map<string, Item | undefined>> {
  const { Statements } = request as { Statements: Statement[] };
  const items = new Map<string, Item | undefined>();
  for (const [table, named] of Map.groupBy(Statements, tableOf)) {
    const keys = named.map(keyOf);
    for (const { pk, sk } of keys) items.set(JSON.stringify([table, pk, sk]), undefined);
    const RequestItems = { [table]: { Keys: keys, ConsistentRead: true } };
    const { Responses } = await dynamodb(target, "BatchGetItem", { RequestItems });
    const found = (Responses as Record<string, Item[]>)[table] ?? [];
    for (const item of found) items.set(JSON.stringify([table, item.pk, item.sk]), item);
  }
  return items;
}

type Statement = { Statement: string; Parameters: object[] };

function tableOf({ Statement }: Statement): string {
  return /"([\w.-]+)"/.exec(Statement)?.[1] ?? "";
}

/** The key that a statement on one item names: `VALUE {'pk': ?, 'sk': ?, …}` or `WHERE pk=? AND sk=? …`. */
function keyOf({ Statement, Parameters }: Statement): Item {
  const names = [...Statement.matchAll(/(\w+)['"]?(?:: |=)\?/g)].map(([, name]) => name);
  const [pk, sk] = [Parameters[names.indexOf("pk")], Parameters[names.indexOf("sk")]];
  if (pk === undefined || sk === undefined) throw new Error(`no key in ${Statement}`);
  return { pk, sk };
}

/**
 * What the writes would have been charged that made `after` of `before`. One that changed nothing was refused, and is
 * charged as the item that it met (Amazon DynamoDB Developer Guide, "Capacity unit consumption for write operations").
 */
async function unitsOfWrites(
  target: string,
  before: ReadonlyMap<string, Item | undefined>,
  after: ReadonlyMap<string, Item | undefined>,
): Promise<number> {
  const put = (Item: Item) => ({ PutRequest: { Item } });
  const writes = async (requests: object[]) => {
    if (requests.length === 0) return 0;
    const written = { RequestItems: { [SCRATCH]: requests }, ReturnConsumedCapacity: "TOTAL" };
    return unitsIn((await dynamodb(target, "BatchWriteItem", written)).ConsumedCapacity);
  };
  await writes([...before.values()].flatMap((item) => (item === undefined ? [] : put(item))));
  const units = await writes(
    [...after].flatMap(([key, item]) => {
      const { pk, sk } = item ?? before.get(key) ?? {};
      if (item !== undefined) return put(item);
      return pk === undefined ? [] : { DeleteRequest: { Key: { pk, sk } } };
    }),
  );
  // So that the next one doesn't pay for this one's size.
  await writes(
    [...after.values()].flatMap((item) => (item && { DeleteRequest: { Key: { pk: item.pk, sk: item.sk } } }) ?? []),
  );
  return units;
}

export async function createTable(endpoint: string, TableName: string): Promise<void> {
  const names = ["pk", "sk"];
  await dynamodb(endpoint, "CreateTable", {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
    KeySchema: names.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? "HASH" : "RANGE" })),
  });
}

/** Makes a request of DynamoDB Local, which wants a signature's shape and checks no more of it. */
export async function dynamodb(endpoint: string, operation: string, body: object): Promise<JsonBody> {
  const credential = "Credential=bench/20260101/eu-west-1/dynamodb/aws4_request";
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": `DynamoDB_20120810.${operation}`,
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=, Signature=0`,
  };
  const answer = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${operation}: ${await answer.text()}`);
  return (await answer.json()) as JsonBody;
}
