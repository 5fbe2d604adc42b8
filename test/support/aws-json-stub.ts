import { type JsonService, jsonRequest } from "../../shared/aws/json-request.ts";
import type { AskFor } from "../../shared/targets/aws-calls.ts";
import { stubServer } from "./stub-server.ts";

export type Asked = { operation: string; input: Record<string, unknown> };

/** What the service answers: a result, a refusal, nothing ever, or a connection that ends. */
export type AwsAnswer = object | { refusal: string; status?: number; message?: string } | "hang" | "cut";

/** A server that speaks AWS's JSON protocol, for whatever services it is asked as. */
export async function awsJsonStub(answer: (asked: Asked) => AwsAnswer | Promise<AwsAnswer>) {
  const asked: Asked[] = [];
  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const target = String(request.headers["x-amz-target"]);
      const one = { operation: target.split(".")[1] ?? "", input: JSON.parse(Buffer.concat(chunks).toString()) };
      const isSigned = /^AWS4-HMAC-SHA256 Credential=.*, Signature=[0-9a-f]{64}$/.test(
        String(request.headers.authorization),
      );
      if (!isSigned) throw new Error(`not signed: ${target}`);
      asked.push(one);
      const said = await answer(one);
      if (said === "hang") return;
      if (said === "cut") return void response.destroy();
      const type = { "content-type": String(request.headers["content-type"]) };
      if (!("refusal" in said)) return void response.writeHead(200, type).end(JSON.stringify(said));
      const { refusal, status = 400, message = "injected" } = said;
      response.writeHead(status, type).end(JSON.stringify({ __type: `com.amazonaws#${refusal}`, message }));
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  return { endpoint, asked };
}

/** Asks the stub as the adapters ask the service. */
export function askingOf(service: JsonService, endpoint: string): AskFor {
  const credentials = async () => ({ accessKeyId: "turnout", secretAccessKey: "turnout" });
  return () => jsonRequest(service, { credentials, endpoint, partition: "aws", region: "eu-west-1" });
}
