import { randomBytes } from "node:crypto";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { awsCatalog, awsDependencies } from "../shared/aws-dependencies.ts";
import type { EventRecord } from "../shared/domain/deliveries/delivery.ts";
import { sha256 } from "../shared/domain/hash.ts";
import { awsSettings } from "../shared/settings.ts";
import { aReplay } from "./support/any-replay.ts";
import { type AboutComponent, aClaimRequest, aComponent, aSubjectRow } from "./support/builders.ts";
import { createTable, dynamodbClient, withDynamoDB } from "./support/dynamodb-local.ts";
import { dynamodbProxy, refused } from "./support/dynamodb-proxy.ts";
import { aChange } from "./support/dynamodb-routing.ts";
import { lambdaControlStub, functionArn as nameOf } from "./support/lambda-control-stub.ts";
import { aLambdaSend } from "./support/lambda-send.ts";
import { lambdaStub } from "./support/lambda-stub.ts";
import { s3Stub } from "./support/s3-stub.ts";

const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:release-coordinator";

withDynamoDB("the adapters on AWS", (endpoint) => {
  /** As the environment of a Lambda function configures them, but for the endpoints. */
  async function inEnvironment() {
    const client = dynamodbClient(endpoint);
    const [table, eventTable] = [await createTable(client), await createTable(client)];
    client.destroy();
    const s3 = await s3Stub("bodies-of-acme");
    const proxy = await dynamodbProxy(endpoint);
    const lambda = await lambdaStub(({ qualifier }) =>
      qualifier === "beta" ? { executedVersion: "7" } : { status: 500, errorType: "ServiceException" },
    );
    const environment = {
      TURNOUT_ROUTING_TABLE: table,
      TURNOUT_EVENT_TABLE: eventTable,
      TURNOUT_BODY_BUCKET: "bodies-of-acme",
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "turnout",
      AWS_SECRET_ACCESS_KEY: "turnout",
      AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      // What an operator may have set for other tools must not multiply our attempts.
      AWS_MAX_ATTEMPTS: "5",
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const dependencies = awsDependencies(awsSettings(process.env));
    onTestFinished(() => dependencies.close());
    return { ...dependencies, proxy, lambda, s3 };
  }

  it("reach the table and the functions that the environment names", async () => {
    const { routingTable, target, lambda } = await inEnvironment();
    const acme = aSubjectRow({ plan: "paid" });
    await routingTable.commit(aChange("first", { "customer#acme": acme }), 0);
    expect(await routingTable.rows(["customer#acme"])).toEqual({
      revision: 1,
      rows: new Map([["customer#acme", acme]]),
    });
    expect(await target(aLambdaSend(functionArn, "beta"))).toMatchObject({ outcome: "done", executedVersion: "7" });
    expect(lambda.invocations).toMatchObject([{ functionArn, qualifier: "beta" }]);
  });

  it("store events in the table, and large ones in the bucket", async () => {
    const { events, s3, proxy } = await inEnvironment();
    const t0 = new Date("2026-11-20T10:00:00.000Z");
    const window = { from: t0, to: new Date("2026-11-20T10:01:00.000Z") };
    const [small, large] = ["{}", randomBytes(400_000).toString("base64")].map((body) => aRecord(t0, body));
    if (small === undefined || large === undefined) throw new Error("no records");
    await events.record([small]);
    expect(s3.counts()).toEqual({});
    await events.record([large]);
    expect([...s3.objects.keys()]).toEqual([expect.stringMatching(/^bodies-of-acme\/bodies\/\d{14}-[0-9a-f]{64}$/)]);
    expect(await events.find([small, large])).toEqual([small, large]);
    expect((await Array.fromAsync(events.records(window, t0))).flat()).toHaveLength(2);
    expect(await events.expire(new Date("2027-01-01T00:00:00.000Z"), 10)).toBe(1);
    const request = aClaimRequest();
    expect(await events.claim([request], "ada", t0)).toMatchObject([{ won: true, attempt: 1 }]);
    expect((await events.deliveriesOf([request.eventKey])).size).toBe(1);
    expect(proxy.counts()).toMatchObject({ BatchExecuteStatement: 1, BatchWriteItem: 2 });
  });

  it("keep replays in the events' table, and tell a lost race by the quick client's answer", async () => {
    const { replays, proxy } = await inEnvironment();
    const replay = aReplay();
    expect(await replays.create(replay)).toBe(true);
    expect(await replays.create(replay)).toBe(false);
    expect(await replays.update({ ...replay, asked: "pause" })).toMatchObject({ asked: "pause", lock: 2 });
    expect(await replays.update(replay)).toBeUndefined();
    expect(await replays.active()).toMatchObject([{ lock: 2 }]);
    expect(proxy.counts()).toEqual({ UpdateItem: 4, Query: 1 });
  });

  it("know the versions of the function that a component's aliases are of, if it is one", async () => {
    const { routingTable } = await inEnvironment();
    const stub = await lambdaControlStub();
    vi.stubEnv("AWS_ENDPOINT_URL_LAMBDA", stub.endpoint);
    stub.release("release-coordinator", "one");
    const target = (name: string) => ({ target: { kind: "lambda" as const, functionArn: nameOf(name) } });
    const { catalog, close } = awsCatalog(awsSettings(process.env), routingTable);
    onTestFinished(close);
    const versionsWith = async (changeId: string, aliases: AboutComponent["aliases"]) => {
      const component = aComponent({ name: "rc", ...(aliases === undefined ? {} : { aliases }) });
      await routingTable.commit(aChange(changeId, { "component#rc": component }), await routingTable.head());
      return catalog.versions("rc");
    };
    expect(await catalog.versions("rc")).toEqual([]);
    const one = { stable: target("release-coordinator"), beta: target("release-coordinator") };
    expect(await versionsWith("one", one)).toMatchObject([{ version: "1" }]);
    expect(await versionsWith("workers", { stable: { target: { kind: "worker" as const } } })).toEqual([]);
    const two = versionsWith("two", { ...one, beta: target("other") });
    await expect(two).rejects.toMatchObject({
      kind: "failed",
      message: /targets of several functions.*:other: versions/,
    });
  });

  it("try a throttled table again and a failing function not", async () => {
    const { routingTable, target, proxy, lambda } = await inEnvironment();
    proxy.faults("GetItem", refused("ThrottlingException"));
    expect(await routingTable.head()).toBe(0);
    expect(proxy.counts()).toEqual({ GetItem: 2 });
    expect(await target(aLambdaSend(functionArn, "stable"))).toMatchObject({
      outcome: "failed",
      error: { type: "ServiceException" },
    });
    expect(lambda.invocations).toHaveLength(1);
  });
});

describe("the settings on AWS", () => {
  const environment = {
    TURNOUT_ROUTING_TABLE: "routing",
    TURNOUT_EVENT_TABLE: "events",
    TURNOUT_BODY_BUCKET: "bodies",
    AWS_REGION: "eu-west-1",
  };

  it("are read, with one shard for records and four for what is due", () => {
    expect(awsSettings(environment)).toEqual({
      routingTable: "routing",
      eventTable: "events",
      bodyBucket: "bodies",
      recordShards: [{ from: new Date(0), shards: 1 }],
      dueShards: [{ from: new Date(0), shards: 4 }],
      routerTimeoutMs: 900_000,
      region: "eu-west-1",
    });
    const { recordShards } = awsSettings({ ...environment, TURNOUT_RECORD_SHARDS: "1,8@2026-11-21T10:00:00Z" });
    expect(recordShards[1]).toEqual({ from: new Date("2026-11-21T10:00:00.000Z"), shards: 8 });
  });

  it.each([
    ["TURNOUT_ROUTING_TABLE", undefined, /TURNOUT_ROUTING_TABLE/],
    ["TURNOUT_ROUTING_TABLE", "a b", /TURNOUT_ROUTING_TABLE.*table's name/],
    ["TURNOUT_EVENT_TABLE", undefined, /TURNOUT_EVENT_TABLE/],
    ["TURNOUT_BODY_BUCKET", "Bodies", /TURNOUT_BODY_BUCKET.*bucket's name/],
    ["TURNOUT_RECORD_SHARDS", "1,8", /TURNOUT_RECORD_SHARDS: .*'8' has no time/],
    ["TURNOUT_DUE_SHARDS", "none", /TURNOUT_DUE_SHARDS: .*'none' is no number/],
    ["AWS_REGION", undefined, /AWS_REGION/],
  ])("fail with the variable's name when %s is %s", (name, value, message) => {
    expect(() => awsSettings({ ...environment, [name]: value })).toThrow(message);
  });
});

function aRecord(t0: Date, body: string): EventRecord {
  const hash = sha256(body);
  const said = { source: "shop", detailType: "order placed", time: t0.toISOString(), idempotencyKey: hash };
  const known = { eventKey: hash, payloadHash: hash, messageId: hash, id: hash, subject: {}, components: [] };
  return { t0, ...known, ...said, body, expiresAt: new Date("2026-12-20T10:00:00.000Z") };
}
