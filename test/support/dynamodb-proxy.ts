import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { onTestFinished } from "vitest";
import { stubServer } from "./stub-server.ts";

/** What a client gets: an HTTP answer, or its connection cut without one. */
export type Answer = { status: number; body: string } | "cut";

/** Passes a request on, with its body as it came or another one. */
type Forward = (body?: Record<string, unknown>) => Promise<{ status: number; body: string }>;

/** Stands in for one request: it may forward it, before or after something else, or answer in its place. */
export type Fault = (forward: Forward, request: Record<string, unknown>) => Promise<Answer>;

export type DynamoDBProxy = {
  endpoint: string;
  /** The next requests of this operation, in order, get these faults; later ones pass. */
  faults(operation: string, ...faults: Fault[]): void;
  /** Takes back the faults that haven't been met yet. */
  clear(): void;
  /** Bodies of all requests of an operation so far, those with faults included. */
  requests(operation: string): Record<string, unknown>[];
  /** Requests so far by operation. */
  counts(): Record<string, number>;
};

/** A server between a client and DynamoDB Local that speaks DynamoDB's protocol and misbehaves as told. */
export async function dynamodbProxy(target: string): Promise<DynamoDBProxy> {
  const waiting = new Map<string, Fault[]>();
  const seen: { operation: string; body: string }[] = [];
  const agent = new Agent({ keepAlive: true });
  const endpoint = await stubServer((incoming, response) => {
    void (async () => {
      const body = await textOf(incoming);
      const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
      seen.push({ operation, body });
      const forward: Forward = (other) =>
        send(target, agent, incoming, other === undefined ? body : JSON.stringify(other));
      const answer = await (waiting.get(operation)?.shift() ?? ((pass) => pass()))(forward, JSON.parse(body));
      if (answer === "cut") return void response.destroy();
      response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.0" }).end(answer.body);
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  onTestFinished(() => agent.destroy());
  return {
    endpoint,
    faults(operation, ...faults) {
      waiting.set(operation, [...(waiting.get(operation) ?? []), ...faults]);
    },
    clear: () => waiting.clear(),
    requests: (operation) =>
      seen.filter((one) => one.operation === operation).map(({ body }) => JSON.parse(body) as Record<string, unknown>),
    counts: () => countBy(seen.map(({ operation }) => operation)),
  };
}

/** Answers with an error of the protocol, without forwarding. */
export function refused(type: string, about: { status?: number; reasons?: string[] } = {}): Fault {
  return async () => errorAnswer(type, about);
}

/** Forwards the request and loses its answer: the client can't know whether it was served. */
export const answerLost: Fault = async (forward) => {
  await forward();
  return "cut";
};

/** Forwards the request and answers with an error all the same. */
export function servedBut(type: string, about: { status?: number; reasons?: string[] } = {}): Fault {
  return async (forward) => {
    await forward();
    return errorAnswer(type, about);
  };
}

/** Cuts the connection before anything was served. */
export const requestLost: Fault = async () => "cut";

/** Lets something else happen just before the request is served. */
export function after(happens: () => Promise<unknown>): Fault {
  return async (forward) => {
    await happens();
    return forward();
  };
}

/** Changes what the server answered. */
export function edited(edit: (answer: Record<string, unknown>) => Record<string, unknown>): Fault {
  return async (forward) => {
    const { status, body } = await forward();
    return { status, body: JSON.stringify(edit(JSON.parse(body))) };
  };
}

function errorAnswer(type: string, { status = 400, reasons }: { status?: number; reasons?: string[] }) {
  const service = "com.amazonaws.dynamodb.v20120810";
  const cancellation = reasons === undefined ? {} : { CancellationReasons: reasons.map((Code) => ({ Code })) };
  return { status, body: JSON.stringify({ __type: `${service}#${type}`, message: "injected", ...cancellation }) };
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function send(target: string, agent: Agent, { method, headers }: IncomingMessage, body: string) {
  const { host: _, "content-length": __, ...passed } = headers;
  const forwarded = request(target, { ...(method === undefined ? {} : { method }), agent, headers: passed });
  forwarded.end(body);
  const [answer] = (await once(forwarded, "response")) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, body: await textOf(answer) };
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
