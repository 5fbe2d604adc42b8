import { describe, expect, it, onTestFinished, vi } from "vitest";
import { awsDependencies } from "../shared/aws-dependencies.ts";
import { awsSettings } from "../shared/settings.ts";
import { aSubjectRow } from "./support/builders.ts";
import { createTable, dynamodbClient, withDynamoDB } from "./support/dynamodb-local.ts";
import { dynamodbProxy, refused } from "./support/dynamodb-proxy.ts";
import { aChange } from "./support/dynamodb-routing.ts";
import { lambdaStub } from "./support/lambda-stub.ts";

const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:release-coordinator";

withDynamoDB("the adapters on AWS", (endpoint) => {
  /** As the environment of a Lambda function configures them, but for the endpoints. */
  async function inEnvironment() {
    const client = dynamodbClient(endpoint);
    const table = await createTable(client);
    client.destroy();
    const proxy = await dynamodbProxy(endpoint);
    const lambda = await lambdaStub(({ qualifier }) =>
      qualifier === "beta" ? { executedVersion: "7" } : { status: 500, errorType: "ServiceException" },
    );
    const environment = {
      TURNOUT_ROUTING_TABLE: table,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "turnout",
      AWS_SECRET_ACCESS_KEY: "turnout",
      AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
      // What an operator may have set for other tools must not multiply our attempts.
      AWS_MAX_ATTEMPTS: "5",
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const dependencies = awsDependencies(awsSettings(process.env));
    onTestFinished(() => dependencies.close());
    return { ...dependencies, proxy, lambda };
  }

  it("reach the table and the functions that the environment names", async () => {
    const { routingTable, target, lambda } = await inEnvironment();
    const acme = aSubjectRow({ plan: "paid" });
    await routingTable.commit(aChange("first", { "customer#acme": acme }), 0);
    expect(await routingTable.rows(["customer#acme"])).toEqual({
      revision: 1,
      rows: new Map([["customer#acme", acme]]),
    });
    expect(await target(aSendTo("beta"))).toMatchObject({ outcome: "done", executedVersion: "7" });
    expect(lambda.invocations).toMatchObject([{ functionArn, qualifier: "beta" }]);
  });

  it("try a throttled table again and a failing function not", async () => {
    const { routingTable, target, proxy, lambda } = await inEnvironment();
    proxy.faults("GetItem", refused("ThrottlingException"));
    expect(await routingTable.head()).toBe(0);
    expect(proxy.counts()).toEqual({ GetItem: 2 });
    expect(await target(aSendTo("stable"))).toMatchObject({ outcome: "failed", error: { type: "ServiceException" } });
    expect(lambda.invocations).toHaveLength(1);
  });
});

describe("the settings on AWS", () => {
  it("fail with the variable's name when one is missing or wrong", () => {
    expect(() => awsSettings({ AWS_REGION: "eu-west-1" })).toThrow(/TURNOUT_ROUTING_TABLE/);
    expect(() => awsSettings({ TURNOUT_ROUTING_TABLE: "routing" })).toThrow(/AWS_REGION/);
    expect(() => awsSettings({ TURNOUT_ROUTING_TABLE: "a b", AWS_REGION: "eu-west-1" })).toThrow(/table's name/);
  });
});

function aSendTo(alias: string) {
  return {
    component: "release-coordinator",
    alias,
    address: { kind: "lambda" as const, functionArn },
    invocation: { kind: "sync" as const },
    subject: {},
    worker: { concurrency: 1, memoryMb: 128, environment: {} },
    payload: "{}",
    requestId: "request-1",
    timeoutMs: 30_000,
    latestStart: new Date("2100-01-01"),
  };
}
