import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { bundle } from "../../infra/constructs/function-code.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { awsJsonStub } from "../support/aws-json-stub.ts";
import { anEvent, bodyOf } from "../support/builders.ts";
import { aNewEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { aNewRoutingTable, putRows } from "../support/dynamodb-routing.ts";
import { anExecutionChange, aTaskChange } from "../support/ends-of-work.ts";
import { s3Stub } from "../support/s3-stub.ts";
import { stubServer } from "../support/stub-server.ts";

const folder = mkdtempSync(join(tmpdir(), "turnout-targets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ACCOUNT = "eu-west-1:123456789012";
const SECRET_ARN = `arn:aws:secretsmanager:${ACCOUNT}:secret:preview-AbCdEf`;
const SECRET = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const TASK_ARN = `arn:aws:ecs:${ACCOUNT}:task/builds/7f4a4b2d`;
const later = { invocation: { kind: "async", maxEventAgeMs: 60_000 } };

/** Too large for a task's environment. */
const event = anEvent({ detail: { text: "x".repeat(9_000), metadata: { idempotencyKey: "order-1" } } });

/** Runs a built function once, as Lambda does, and returns its answer. */
async function invoke(entry: string, messages: readonly string[], environment: Record<string, string>) {
  const Records = messages.map((body, index) => ({
    messageId: `message-${index}`,
    receiptHandle: `receipt-${index}`,
    body,
    attributes: { ApproximateReceiveCount: "1", SentTimestamp: String(Date.now()), SenderId: "AIDAEXAMPLE" },
  }));
  const file = pathToFileURL(join(folder, entry, `${entry}.mjs`)).href;
  const program = `
    const { handler } = await import(${JSON.stringify(file)});
    const answer = await handler(${JSON.stringify({ Records })}, { getRemainingTimeInMillis: () => 60_000 });
    process.stdout.write("\\nANSWER " + JSON.stringify(answer));`;
  const ran = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    env: { PATH: process.env.PATH, ...environment },
    cwd: folder,
  });
  return JSON.parse(ran.stdout.split("\nANSWER ")[1] ?? "null");
}

withDynamoDB("the built router and what takes outcomes", (endpoint) => {
  it("bring one event to a queue, a state machine, a task and a URL, and note how execution and task have ended", async () => {
    for (const entry of ["router", "outcomes"]) bundle(entry, join(folder, entry));
    const { table, tableName } = await aNewRoutingTable(endpoint);
    const { store, tableName: eventTable } = await aNewEventStore(endpoint);
    const s3 = await s3Stub("bodies-of-acme");
    const posted: { signature: string; signed: string }[] = [];
    const url = await stubServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = request.headers;
      posted.push({ signature: String(signature), signed: `${id}.${at}.${Buffer.concat(chunks).toString()}` });
      response.end();
    });
    const services = await awsJsonStub(({ operation, input }) => {
      const answers: Record<string, object> = {
        SendMessageBatch: { Successful: [{ Id: "0", MessageId: "message-1" }], Failed: [] },
        StartExecution: { executionArn: `execution:${input.name}`, startDate: 1 },
        RunTask: { tasks: [{ taskArn: TASK_ARN }], failures: [] },
        GetSecretValue: { SecretString: SECRET },
      };
      return answers[operation] ?? { refusal: "UnknownOperationException" };
    });
    const component = (name: string, target: object, about: object = {}) =>
      Component.parse({ name, pattern: { source: ["shop"] }, aliases: { stable: { target } }, ...about });
    const stateMachineArn = `arn:aws:states:${ACCOUNT}:stateMachine:fulfil`;
    const task = {
      clusterArn: `arn:aws:ecs:${ACCOUNT}:cluster/builds`,
      taskDefinition: "builder:7",
      container: "build",
    };
    await putRows(table, {
      "component#queue": component("queue", { kind: "sqs", queueArn: `arn:aws:sqs:${ACCOUNT}:orders` }),
      "component#machine": component(
        "machine",
        { kind: "step-functions", stateMachineArn: `${stateMachineArn}:7` },
        later,
      ),
      "component#task": component("task", { kind: "ecs", ...task }, later),
      "component#url": component("url", { kind: "http", url, private: true, secrets: [SECRET_ARN] }),
    });
    const environment = {
      TURNOUT_ROUTING_TABLE: tableName,
      TURNOUT_EVENT_TABLE: eventTable,
      TURNOUT_BODY_BUCKET: "bodies-of-acme",
      TURNOUT_LIVE_QUEUE_URL: `${services.endpoint}/123456789012/live`,
      TURNOUT_OUTCOME_QUEUE_URL: `${services.endpoint}/123456789012/outcomes`,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "turnout",
      AWS_SECRET_ACCESS_KEY: "turnout",
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      ...Object.fromEntries(
        ["SQS", "SFN", "ECS", "SECRETS_MANAGER"].map((name) => [`AWS_ENDPOINT_URL_${name}`, services.endpoint]),
      ),
    };
    const eventKey = eventKeyOf("shop", "order placed", "order-1");
    const standing = async () => {
      const entries = (await store.deliveriesOf([eventKey])).get(eventKey) ?? [];
      return Object.fromEntries(entries.map(({ component: name, status }) => [name, status]));
    };

    expect(await invoke("router", [bodyOf(event)], environment)).toEqual({ batchItemFailures: [] });
    expect(await standing()).toEqual({ queue: "done", url: "done", machine: "accepted", task: "accepted" });
    const asked = (operation: string) => services.asked.find((one) => one.operation === operation)?.input ?? {};
    const [message] = asked("SendMessageBatch").Entries as { MessageBody: string }[];
    expect(JSON.parse(message?.MessageBody ?? "null")).toMatchObject({ id: event.id, turnout: { component: "queue" } });
    const key = createHmac("sha256", Buffer.alloc(24, 7)).update(posted[0]?.signed ?? "");
    expect(posted.map(({ signature }) => signature)).toEqual([`v1,${key.digest("base64")}`]);
    const handed = [...s3.objects].filter(([path]) => path.startsWith("bodies-of-acme/handed/task/"));
    expect(handed.map(([, body]) => JSON.parse(String(body)).detail)).toEqual([event.detail]);
    expect(JSON.stringify(asked("RunTask").overrides)).toContain(`s3://${handed[0]?.[0]}`);

    const ends = [
      anExecutionChange({ name: asked("StartExecution").name, stateMachineArn }),
      aTaskChange({ startedBy: asked("RunTask").startedBy, containers: [{ name: "build", exitCode: 0 }] }),
    ];
    expect(await invoke("outcomes", ends, environment)).toEqual({ batchItemFailures: [] });
    expect(await standing()).toEqual({ queue: "done", url: "done", machine: "done", task: "done" });
  }, 300_000);
});
