import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { bundle } from "../../infra/constructs/function-code.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { aNewRoutingTable } from "../support/dynamodb-routing.ts";
import { functionArn, lambdaControlStub } from "../support/lambda-control-stub.ts";
import { stubServer } from "../support/stub-server.ts";

const FUNCTION = "dev-mailer";
const folder = mkdtempSync(join(tmpdir(), "turnout-infra-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

withDynamoDB("the component resource as Lambda loads it", (endpoint) => {
  it("deploys a component through the SDK's own clients, and tells CloudFormation", async () => {
    bundle("component-resource", folder);
    const { table, tableName } = await aNewRoutingTable(endpoint);
    const lambda = await lambdaControlStub();
    const version = lambda.release(FUNCTION, "one");
    let told = "";
    const cloudFormation = await stubServer((request, response) => {
      request.on("data", (chunk: Buffer) => {
        told += chunk.toString();
      });
      request.on("end", () => response.end());
    });
    const event = {
      RequestType: "Create",
      ResponseURL: cloudFormation,
      StackId: "arn:aws:cloudformation:eu-west-1:123456789012:stack/dev-shop/1",
      RequestId: "1",
      LogicalResourceId: "Component",
      ResourceProperties: {
        name: "mailer",
        functionArn: functionArn(FUNCTION),
        settings: JSON.stringify({ pattern: { source: ["shop"] }, timeoutMs: 31_000, invocation: { kind: "sync" } }),
        version,
        aliases: ["stable", "beta", "experimental"],
        moves: "experimental",
      },
    };
    const file = pathToFileURL(join(folder, "component-resource.mjs")).href;
    const program = `const { handler } = await import(${JSON.stringify(file)}); await handler(${JSON.stringify(event)}, {})`;
    const env = {
      PATH: process.env.PATH,
      TURNOUT_ROUTING_TABLE: tableName,
      TURNOUT_EVENT_TABLE: "unused",
      TURNOUT_BODY_BUCKET: "unused",
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "turnout",
      AWS_SECRET_ACCESS_KEY: "turnout",
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    };
    await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { env, cwd: folder });
    expect(JSON.parse(told)).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "mailer", RequestId: "1" });
    expect(lambda.aliasesOf(FUNCTION)).toEqual({ stable: "1", beta: "1", experimental: "1" });
    expect((await table.components()).components).toMatchObject([{ name: "mailer", timeoutMs: 31_000 }]);
  });
});
