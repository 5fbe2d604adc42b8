import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, inject, it, onTestFinished } from "vitest";
import { freePort } from "../../scripts/bench/free-port.ts";
import { jsonRequest } from "../../shared/aws/json-request.ts";
import type { Ask } from "../../shared/targets/aws-calls.ts";
import { sqsTarget } from "../../shared/targets/sqs-target.ts";
import type { SendResult } from "../../shared/targets/target.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { aSend } from "../targets/aws-sends.ts";

const ARN = "arn:aws:sqs:eu-west-1:123456789012";
const EVENTS = 1_000;

/** ElasticMQ with a standard queue and a FIFO one, asked as the target asks SQS. */
async function elasticMq(): Promise<Ask> {
  const port = await freePort();
  const config = join(temporaryFolder(), "elasticmq.conf");
  writeFileSync(
    config,
    `include classpath("application.conf")
     node-address { host = localhost, port = ${port} }
     rest-sqs { bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict }
     rest-stats { enabled = false }
     queues { orders {}, "orders.fifo" { fifo = true } }`,
  );
  const options = [`-Dconfig.file=${config}`, "-cp", inject("queueServerClasspath"), "org.elasticmq.server.Main"];
  const server = spawn("java", options, { stdio: "ignore" });
  onTestFinished(() => void server.kill("SIGKILL"));
  const credentials = async () => ({ accessKeyId: "turnout", secretAccessKey: "turnout" });
  const about = { credentials, endpoint: `http://127.0.0.1:${port}/`, partition: "aws", region: "eu-west-1" };
  const ask = jsonRequest({ name: "sqs", target: "AmazonSQS", version: "1.0" }, about);
  for (;;) {
    const answered = await ask("ListQueues", {}, AbortSignal.timeout(5_000)).catch(() => undefined);
    if (answered !== undefined) return ask;
    await delay(200);
  }
}

async function receivedFrom(ask: Ask, queue: string, count: number) {
  const QueueUrl = `https://sqs.eu-west-1.amazonaws.com/123456789012/${queue}`;
  const AttributeNames = ["MessageGroupId", "MessageDeduplicationId"];
  const all: { Body: string; Attributes?: Record<string, string> }[] = [];
  while (all.length < count) {
    const request = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600, AttributeNames };
    const { Messages = [] } = await ask("ReceiveMessage", request, AbortSignal.timeout(20_000));
    if ((Messages as unknown[]).length === 0) break;
    all.push(...(Messages as typeof all));
  }
  return all;
}

it("a server that speaks SQS takes what is sent to a queue, and once what is sent twice to a FIFO queue", async () => {
  const ask = await elasticMq();
  const target = sqsTarget({ askFor: () => ask, now: () => new Date() });
  const latestStart = new Date(Date.now() + 600_000);
  const to = (queue: string, n: number): Promise<SendResult> =>
    target(
      aSend({
        address: { kind: "sqs", queueArn: `${ARN}:${queue}` },
        subject: { project: `acme/${n % 3}`, customer: "acme" },
        payload: JSON.stringify({ n, text: "é\uffff" }),
        idempotencyKey: `key-${n}#live`,
        latestStart,
        timeoutMs: 30_000,
      }),
    );

  const start = performance.now();
  const results: SendResult[] = [];
  for (let n = 0; n < EVENTS; n += 100) {
    results.push(...(await Promise.all(Array.from({ length: 100 }, (_, index) => to("orders", n + index)))));
  }
  console.log(`ElasticMQ: ${Math.round((EVENTS / (performance.now() - start)) * 1_000)} events/s, 100 at a time`);
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(["done"]));
  const received = await receivedFrom(ask, "orders", EVENTS);
  expect(new Set(received.map(({ Body }) => JSON.parse(Body).n)).size).toBe(EVENTS);
  expect(JSON.parse(received[0]?.Body ?? "{}").text).toBe("é\uffff");

  expect(await Promise.all([to("orders.fifo", 1), to("orders.fifo", 2)])).toMatchObject(
    [{}, {}].fill({ outcome: "done" }),
  );
  expect(await to("orders.fifo", 1)).toMatchObject({ outcome: "done" });
  const inOrder = await receivedFrom(ask, "orders.fifo", 3);
  expect(inOrder.map(({ Body }) => JSON.parse(Body).n).sort()).toEqual([1, 2]);
  expect(inOrder.map(({ Attributes }) => Attributes?.MessageGroupId).sort()).toEqual([
    "project#acme/1",
    "project#acme/2",
  ]);
}, 180_000);
