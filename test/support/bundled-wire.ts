import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { stubServer } from "./stub-server.ts";

/** A request on its way: who sent it, by the session token that it is signed with, and what it asks. */
export type Asked = { token: string; operation: string };

/**
 * Told when a request has arrived, and again when it has been served and its answer isn't sent yet. `lost`: it goes no
 * further. `throttled`, of one of DynamoDB's that has arrived: it is refused, for there is too much.
 */
export type Watch = (asked: Asked, moment: "arrived" | "served") => "lost" | "throttled" | undefined;

/** As a table says it that has come to its limit, and as an account does. */
const THROTTLED = ["ProvisionedThroughputExceededException", "ThrottlingException"];

/** A server in front of DynamoDB Local that passes everything on, and tells who asks what. */
export async function dynamodbWire(target: string, watch: Watch): Promise<string> {
  const forward = forwarder(target);
  let throttled = 0;
  return stubServer((incoming, response) => {
    void (async () => {
      const body = await textOf(incoming);
      const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
      const asked = { token: tokenOf(incoming), operation };
      const become = watch(asked, "arrived");
      if (become === "lost") return void response.destroy();
      if (become === "throttled") return refuse(response, THROTTLED[throttled++ % THROTTLED.length]);
      const answer = await forward(incoming, body);
      if (watch(asked, "served") === "lost") return void response.destroy();
      answer.to(response);
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
}

function refuse(response: ServerResponse, type = ""): void {
  const body = { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: "too much at once" };
  response.writeHead(400, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
}

export function tokenOf({ headers }: IncomingMessage): string {
  return headers["x-amz-security-token"]?.toString() ?? "";
}

/** Passes requests on to another server, each as it came. */
export function forwarder(target: string) {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  return async ({ method = "GET", url = "/", headers }: IncomingMessage, body: string) => {
    const { host: _, "content-length": __, ...passed } = headers;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request(target + url, { method, agent, headers: passed }, resolve)
      .on("error", reject)
      .end(body);
    const answer = await promise;
    const text = await textOf(answer);
    const { "content-length": ___, "transfer-encoding": ____, connection: _____, ...about } = answer.headers;
    return { to: (response: ServerResponse) => void response.writeHead(answer.statusCode ?? 500, about).end(text) };
  };
}

export async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
