import type { IncomingMessage } from "node:http";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { onTestFinished } from "vitest";
import { stubServer } from "./stub-server.ts";

/** An invocation as Lambda got it. */
export type Invocation = {
  functionArn: string;
  qualifier: string | null;
  type: string | undefined;
  payload: string;
  tenantId?: string;
};

/** What Lambda answers: a function's own answer, an error of the service, or the connection cut without one. */
export type InvocationAnswer =
  | {
      payload?: unknown;
      text?: string;
      executedVersion?: string;
      requestId?: string;
      functionError?: "Handled" | "Unhandled";
    }
  | { status: number; errorType: string; message?: string }
  | "cut";

export type LambdaStub = { endpoint: string; invocations: readonly Invocation[] };

const VERSION_PATH = "/2015-03-31/functions/";

/** A server that speaks Lambda's Invoke and answers as `answer` says. Default: every alias runs version 1. */
export async function lambdaStub(
  answer: (invocation: Invocation) => InvocationAnswer | Promise<InvocationAnswer> = () => ({ executedVersion: "1" }),
): Promise<LambdaStub> {
  const invocations: Invocation[] = [];
  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const invocation = await invocationOf(request);
      invocations.push(invocation);
      const answered = await answer(invocation);
      if (answered === "cut") return void response.destroy();
      if ("errorType" in answered) {
        const { status, errorType, message = "injected" } = answered;
        const headers = { "content-type": "application/json", "x-amzn-errortype": errorType };
        return void response.writeHead(status, headers).end(JSON.stringify({ Type: "User", Message: message }));
      }
      const { executedVersion, functionError, requestId, payload = null, text = JSON.stringify(payload) } = answered;
      response.writeHead(200, {
        "content-type": "application/json",
        ...(executedVersion === undefined ? {} : { "x-amz-executed-version": executedVersion }),
        ...(requestId === undefined ? {} : { "x-amzn-requestid": requestId }),
        ...(functionError === undefined ? {} : { "x-amz-function-error": functionError }),
      });
      response.end(text);
    })().catch((error: unknown) => response.writeHead(404).end(String(error)));
  });
  return { endpoint, invocations };
}

/** The real client, without retries, as the Lambda target wants it. */
export function lambdaClient(endpoint: string): LambdaClient {
  const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
  const client = new LambdaClient({ endpoint, region: "eu-west-1", credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
}

async function invocationOf(request: IncomingMessage): Promise<Invocation> {
  const url = new URL(request.url ?? "", "http://lambda");
  const { method, headers } = request;
  if (method !== "POST" || !url.pathname.startsWith(VERSION_PATH) || !url.pathname.endsWith("/invocations")) {
    throw new Error(`not an invocation: ${method} ${request.url}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    functionArn: decodeURIComponent(url.pathname.slice(VERSION_PATH.length, -"/invocations".length)),
    qualifier: url.searchParams.get("Qualifier"),
    type: headers["x-amz-invocation-type"]?.toString(),
    payload: Buffer.concat(chunks).toString(),
    ...(headers["x-amz-tenant-id"] === undefined ? {} : { tenantId: headers["x-amz-tenant-id"].toString() }),
  };
}
