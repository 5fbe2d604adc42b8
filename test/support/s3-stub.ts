import type { IncomingMessage, ServerResponse } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import { stubServer } from "./stub-server.ts";

export type S3Stub = {
  endpoint: string;
  /** Objects by bucket and key: `bucket/key`. */
  objects: Map<string, Buffer>;
  /** Requests by operation. */
  counts: () => Record<string, number>;
  /** The next requests of this operation are answered with these errors instead. */
  fail: (operation: string, ...codes: string[]) => void;
};

/** A server that speaks enough of S3 for bodies: PutObject, GetObject, ListObjectsV2 and DeleteObjects, by path. */
export async function s3Stub(...buckets: string[]): Promise<S3Stub> {
  const objects = new Map<string, Buffer>();
  const counts: Record<string, number> = {};
  const failing = new Map<string, string[]>();

  function list(bucket: string, query: URLSearchParams): string {
    const prefix = `${bucket}/${query.get("prefix") ?? ""}`;
    const all = [...objects.keys()].filter((path) => path.startsWith(prefix)).sort();
    const listed = all.slice(0, Number(query.get("max-keys") ?? 1_000));
    const contents = listed.map((path) => `<Contents><Key>${path.slice(bucket.length + 1)}</Key></Contents>`);
    return xml(
      "ListBucketResult",
      `<IsTruncated>${listed.length < all.length}</IsTruncated><KeyCount>${listed.length}</KeyCount>${contents.join("")}`,
    );
  }

  function remove(bucket: string, body: string): string {
    for (const [, key] of body.matchAll(/<Key>([^<]*)<\/Key>/g)) objects.delete(`${bucket}/${key}`);
    return xml("DeleteResult", "");
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://stub");
    const [, bucket = "", ...rest] = pathname.split("/");
    const path = `${bucket}/${decodeURIComponent(rest.join("/"))}`;
    const operation = operationOf(request, searchParams);
    counts[operation] = (counts[operation] ?? 0) + 1;
    const body = await bytesOf(request);
    const answer = (status: number, content: string | Buffer) =>
      void response.writeHead(status, { "content-type": "application/xml" }).end(content);
    const code = failing.get(operation)?.shift() ?? (buckets.includes(bucket) ? undefined : "NoSuchBucket");
    if (code !== undefined) return answer(statusOf(code), error(code));
    if (operation === "PutObject") {
      objects.set(path, request.headers["content-encoding"]?.includes("aws-chunked") ? unchunked(body) : body);
      return answer(200, "");
    }
    if (operation === "ListObjectsV2") return answer(200, list(bucket, searchParams));
    if (operation === "DeleteObjects") return answer(200, remove(bucket, body.toString()));
    const object = objects.get(path);
    if (object === undefined) return answer(404, error("NoSuchKey"));
    answer(200, object);
  }

  const endpoint = await stubServer((request, response) => {
    serve(request, response).catch((problem: unknown) => response.writeHead(500).end(String(problem)));
  });
  return {
    endpoint,
    objects,
    counts: () => ({ ...counts }),
    fail(operation, ...codes) {
      failing.set(operation, [...(failing.get(operation) ?? []), ...codes]);
    },
  };
}

/** The real client on a stub; it tries again without waiting. */
export function s3Client(endpoint: string): S3Client {
  const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
  const client = new S3Client({ endpoint, region: "eu-west-1", credentials, forcePathStyle: true, maxAttempts: 3 });
  onTestFinished(() => client.destroy());
  return client;
}

function operationOf({ method }: IncomingMessage, query: URLSearchParams): string {
  if (method === "PUT") return "PutObject";
  if (method === "POST" && query.has("delete")) return "DeleteObjects";
  return query.get("list-type") === "2" ? "ListObjectsV2" : "GetObject";
}

/** What a body says that comes as chunks, each after its length and perhaps a signature. */
function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.toString("latin1", at, end), 16);
    if (end < 0 || !(length > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

function statusOf(code: string): number {
  return { NoSuchBucket: 404, NoSuchKey: 404, AccessDenied: 403, SlowDown: 503 }[code] ?? 500;
}

function error(code: string): string {
  return xml("Error", `<Code>${code}</Code><Message>injected</Message>`);
}

function xml(root: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><${root}>${content}</${root}>`;
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
