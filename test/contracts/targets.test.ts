import { onTestFinished } from "vitest";
import { httpTarget } from "../../shared/targets/http/http-target.ts";
import { lambdaTarget } from "../../shared/targets/lambda-target.ts";
import { lambdaClient, lambdaStub } from "../support/lambda-stub.ts";
import { stubServer } from "../support/stub-server.ts";
import { aProgram, entered } from "../targets/process/runtime-client.ts";
import { aWorkerTarget, type Code } from "../targets/worker/versions-in-folders.ts";
import { type Deed, describeTarget, SAID, VERSION } from "./target.contract.ts";

const now = () => new Date();
const worker = { kind: "worker" } as const;
const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:example-consumer";
const lambda = { kind: "lambda", functionArn } as const;

const deedIn = (payload: string): Deed => JSON.parse(payload).detail.deed;

/** In whatever runs JavaScript. */
const DO = `
  tell(JSON.stringify(event));
  if (event.detail.deed === "fail") throw new RangeError(${JSON.stringify(SAID)});
  if (event.detail.deed === "hang") await new Promise((resolve) => setTimeout(resolve, 60_000));`;

async function hosted(code: Code, handler: string) {
  const { target, publish, told, toldFile, digested } = aWorkerTarget();
  publish(VERSION, code, { handler });
  await digested();
  return {
    target: target.send,
    address: worker,
    foreignAddress: lambda,
    environment: { TOLD: toldFile },
    received: () => told().map((line) => JSON.parse(line)),
  };
}

describeTarget("worker, with JavaScript", () =>
  hosted(`export const handler = async (event) => {${DO}};`, "index.handler"),
);

describeTarget("worker, with a program", () => hosted(aProgram(DO), entered.handler));

describeTarget("lambda", async () => {
  const stub = await lambdaStub(async ({ payload }) => {
    const deed = deedIn(payload);
    if (deed === "hang") await new Promise(() => {});
    const error = { errorType: "RangeError", errorMessage: SAID };
    return { executedVersion: VERSION, ...(deed === "fail" && { functionError: "Unhandled", payload: error }) };
  });
  return {
    target: lambdaTarget({ client: lambdaClient(stub.endpoint), now }),
    address: lambda,
    foreignAddress: worker,
    received: () => stub.invocations.map(({ payload }) => JSON.parse(payload)),
  };
});

describeTarget("http", async () => {
  const received: unknown[] = [];
  const url = await stubServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const payload = Buffer.concat(chunks).toString();
    received.push(JSON.parse(payload));
    const deed = deedIn(payload);
    if (deed === "hang") return;
    response.writeHead(deed === "fail" ? 500 : 200, { "turnout-version": VERSION });
    response.end(deed === "fail" ? SAID : "");
  });
  const target = httpTarget({ now, secretText: async () => "", graceMs: 0 });
  onTestFinished(() => target.close());
  return {
    target: target.send,
    address: { kind: "http", url, format: "published", private: true },
    foreignAddress: lambda,
    received: () => received,
  };
});
