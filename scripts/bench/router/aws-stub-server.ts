import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Kinds, StubOrder } from "./aws-stub.ts";

/**
 * The stub's own process: a server that speaks as much of DynamoDB's JSON protocol and of Lambda's Invoke as the happy
 * path of a router needs. Every write succeeds and is forgotten; reads find the items that it was told to hold.
 */
const INVOCATION = /^\/[\d-]+\/functions\/[^/]+\/invocations/;

type Item = Record<string, { S?: string }>;
type Get = { TableName: string; Key: Item };
type Statements = { Statements: { Statement: string }[] };

let items = new Map<string, Item>();
let kinds: Kinds = {};
let latency = { storeMs: 0, targetMs: 0 };
/** Bytes of a connection that belong to requests counted already. */
const countedBytes = new WeakMap<Socket, number>();

/** Answers as DynamoDB does when everything goes well, by operation. */
const answers: { [operation: string]: (body: string) => object } = {
  GetItem: (body) => found(JSON.parse(body) as Get),
  TransactGetItems(body) {
    const { TransactItems } = JSON.parse(body) as { TransactItems: { Get: Get }[] };
    return { Responses: TransactItems.map(({ Get }) => found(Get)) };
  },
  BatchGetItem(body) {
    const { RequestItems } = JSON.parse(body) as { RequestItems: { [table: string]: { Keys: Item[] } } };
    const tables = Object.entries(RequestItems).map(([TableName, { Keys }]) => [
      TableName,
      Keys.flatMap((Key) => found({ TableName, Key }).Item ?? []),
    ]);
    return { Responses: Object.fromEntries(tables), UnprocessedKeys: {} };
  },
  Query: () => ({ Items: [], Count: 0, ScannedCount: 0 }),
  BatchWriteItem: () => ({ UnprocessedItems: {} }),
  BatchExecuteStatement: (body) => ({ Responses: (JSON.parse(body) as Statements).Statements.map(() => ({})) }),
  PutItem: () => ({}),
  UpdateItem: () => ({}),
  DeleteItem: () => ({}),
};

function found({ Key }: Get): { Item?: Item } {
  const item = items.get(keyText(Key));
  return item === undefined ? {} : { Item: item };
}

function keyText({ pk, sk }: Item): string {
  return JSON.stringify([pk?.S, sk?.S]);
}

function obey(order: StubOrder): Kinds {
  const seen = kinds;
  if (order.items !== undefined) items = new Map((order.items as Item[]).map((item) => [keyText(item), item]));
  if (order.latency !== undefined) latency = order.latency;
  if (order.reset === true) kinds = {};
  return seen;
}

function count(kind: string, socket: Socket): void {
  const { requests, bytes } = kinds[kind] ?? { requests: 0, bytes: 0 };
  const read = socket.bytesRead;
  kinds[kind] = { requests: requests + 1, bytes: bytes + read - (countedBytes.get(socket) ?? 0) };
  countedBytes.set(socket, read);
}

/** Claims and closes are one operation; what they do is their statement's first word. */
function kindOf(operation: string, body: string): string {
  if (operation !== "BatchExecuteStatement") return operation;
  return `${operation} ${/"Statement":"\s*(\w+)/.exec(body)?.[1] ?? ""}`.trim();
}

function serve(request: IncomingMessage, body: string, response: ServerResponse): void {
  const { url = "", headers, socket } = request;
  if (url === "/stub") {
    response.end(JSON.stringify(obey(JSON.parse(body) as StubOrder)));
  } else if (INVOCATION.test(url)) {
    count("Invoke", socket);
    const async = headers["x-amz-invocation-type"] === "Event";
    const answer = { "content-type": "application/json", "x-amz-executed-version": "1" };
    after(latency.targetMs, () => response.writeHead(async ? 202 : 200, answer).end(async ? "" : "null"));
  } else {
    const operation = String(headers["x-amz-target"]).split(".")[1] ?? "";
    const answer = answers[operation];
    if (answer === undefined) throw new Error(`The stub has no operation '${operation}' (${url}).`);
    count(kindOf(operation, body), socket);
    const text = JSON.stringify(answer(body));
    after(latency.storeMs, () => response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end(text));
  }
}

function after(ms: number, answer: () => void): void {
  if (ms === 0) answer();
  else setTimeout(answer, ms);
}

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", () => serve(request, body, response));
}).listen(0, "127.0.0.1");
// A pipeline that waits for its turn keeps its connections, also on a busy machine.
server.keepAliveTimeout = 600_000;
await once(server, "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new Error("the stub has no port");
process.send?.(`http://127.0.0.1:${address.port}`);
// Ends with whoever started it, however that one ends.
process.once("disconnect", () => process.exit());
