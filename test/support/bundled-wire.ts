import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { stubServer } from "./stub-server.ts";

/** A request on its way: who sent it, by the session token that it is signed with, and what it asks. */
export type Asked = { token: string; operation: string };

/**
 * Told when a request has arrived, and again when it has been served and its answer isn't sent yet. `lost`: it goes no
 * further.
 */
export type Watch = (asked: Asked, moment: "arrived" | "served") => "lost" | undefined;

/** A server in front of DynamoDB Local that passes everything on, and tells who asks what. */
export async function dynamodbWire(target: string, watch: Watch): Promise<string> {
  const forward = forwarder(target);
  return stubServer((incoming, response) => {
    void (async () => {
      const body = await textOf(incoming);
      const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
      const asked = { token: tokenOf(incoming), operation };
      if (watch(asked, "arrived") === "lost") return void response.destroy();
      const answer = await forward(incoming, body);
      if (watch(asked, "served") === "lost") return void response.destroy();
      answer.to(response);
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
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
