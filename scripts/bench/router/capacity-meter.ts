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
type Answer = Record<string, unknown>;

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

  async function metered(operation: string, request: Answer): Promise<Answer> {
    const before = operation === "BatchExecuteStatement" ? await itemsOf(target, request) : undefined;
    const answer = await dynamodb(target, operation, { ...request, ReturnConsumedCapacity: "TOTAL" });
    const units =
      before === undefined
        ? unitsIn(answer.ConsumedCapacity)
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
    const answer = last.then(() => metered(operation, JSON.parse(Buffer.concat(chunks).toString()) as Answer));
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

/** All items of the tables that the statements name, by table and key. */
async function itemsOf(target: string, request: Answer): Promise<Map<string, Item>> {
  const { Statements } = request as { Statements: { Statement: string }[] };
  const tables = new Set(Statements.map(({ Statement }) => /"([\w.-]+)"/.exec(Statement)?.[1] ?? ""));
  const items = new Map<string, Item>();
  for (const TableName of tables) {
    let ExclusiveStartKey: unknown;
    do {
      const page = await dynamodb(target, "Scan", { TableName, ExclusiveStartKey, ConsistentRead: true });
      for (const item of page.Items as Item[]) items.set(JSON.stringify([TableName, item.pk, item.sk]), item);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }
  return items;
}

async function unitsOfWrites(target: string, before: Map<string, Item>, after: Map<string, Item>): Promise<number> {
  let units = 0;
  for (const [key, Item] of after) {
    const old = before.get(key);
    if (JSON.stringify(old) === JSON.stringify(Item)) continue;
    units += Math.max(await unitsOf(target, Item), old === undefined ? 0 : await unitsOf(target, old));
  }
  return units;
}

async function unitsOf(target: string, Item: Item): Promise<number> {
  const written = { TableName: SCRATCH, Item, ReturnConsumedCapacity: "TOTAL" };
  const { ConsumedCapacity } = await dynamodb(target, "PutItem", written);
  // So that the next one doesn't pay for this one's size.
  await dynamodb(target, "DeleteItem", { TableName: SCRATCH, Key: { pk: Item.pk, sk: Item.sk } });
  return unitsIn(ConsumedCapacity);
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
export async function dynamodb(endpoint: string, operation: string, body: object): Promise<Answer> {
  const credential = "Credential=bench/20260101/eu-west-1/dynamodb/aws4_request";
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": `DynamoDB_20120810.${operation}`,
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=, Signature=0`,
  };
  const answer = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${operation}: ${await answer.text()}`);
  return (await answer.json()) as Answer;
}
