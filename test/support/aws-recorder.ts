import { createHash, createHmac } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { stubServer } from "./stub-server.ts";

export type Recorded = {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** By the parts alone: the SDK's own middleware puts a header of its retries into each request. */
  quick: boolean;
  /** Of the connection that it came over. */
  port: number;
};
export type Answer = { status?: number; headers?: Record<string, string>; body?: string } | "cut" | "half" | "silence";

export type Recorder = {
  endpoint: string;
  requests: Recorded[];
  /** The next requests get these answers, in order; later ones `{}`. */
  answers(...answers: Answer[]): void;
};

/** A server that keeps what it is sent, and answers as told. */
export async function awsRecorder(): Promise<Recorder> {
  const requests: Recorded[] = [];
  const waiting: Answer[] = [];
  const endpoint = await stubServer((request, response) => {
    void (async () => {
      requests.push(await recorded(request));
      const answer = waiting.shift() ?? {};
      if (answer === "silence") return;
      if (answer === "cut") return void response.destroy();
      if (answer === "half") {
        response.writeHead(200, { "content-length": "9" });
        return void response.write('{"a":', () => response.destroy());
      }
      const { status = 200, headers = {}, body = "{}" } = answer;
      response.writeHead(status, headers).end(body);
    })();
  });
  return {
    endpoint,
    requests,
    answers: (...answers) => void waiting.push(...answers),
  };
}

async function recorded(request: IncomingMessage): Promise<Recorded> {
  const { url: path = "", headers, socket } = request;
  const port = socket.remotePort ?? 0;
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  return { path, headers, body, quick: headers["amz-sdk-request"] === undefined, port };
}

/**
 * The `authorization` header that a request should have had, by AWS's description of Signature Version 4:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function authorizationOf({ path, headers, body }: Recorded, keyId: string, secret: string): string {
  const [, day = "", region = "", service = ""] = /\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request/.exec(text(headers)) ?? [];
  const names = /SignedHeaders=([^,]*)/.exec(text(headers))?.[1]?.split(";") ?? [];
  const [folder = "", query = ""] = path.split("?");
  const encoded = folder.split("/").map(encodeURIComponent).join("/");
  const canonical = [
    "POST",
    encoded,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    createHash("sha256").update(body).digest("hex"),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const hashed = createHash("sha256").update(canonical).digest("hex");
  const toSign = `AWS4-HMAC-SHA256\n${headers["x-amz-date"]}\n${scope}\n${hashed}`;
  let key: string | Buffer = `AWS4${secret}`;
  for (const part of [day, region, service, "aws4_request"]) key = createHmac("sha256", key).update(part).digest();
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  return `AWS4-HMAC-SHA256 Credential=${keyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
}

function text({ authorization = "" }: IncomingHttpHeaders): string {
  return authorization;
}
