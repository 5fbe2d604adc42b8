import { onTestFinished } from "vitest";
import { ecsTarget } from "../../shared/targets/ecs-target.ts";
import { httpTarget } from "../../shared/targets/http/http-target.ts";
import { lambdaTarget } from "../../shared/targets/lambda-target.ts";
import { sqsTarget } from "../../shared/targets/sqs-target.ts";
import { stepFunctionsTarget } from "../../shared/targets/step-functions-target.ts";
import { askingOf, awsJsonStub } from "../support/aws-json-stub.ts";
import { lambdaClient, lambdaStub } from "../support/lambda-stub.ts";
import { stubServer } from "../support/stub-server.ts";
import { aProgram, entered } from "../targets/process/runtime-client.ts";
import { aWorkerTarget, type Code } from "../targets/worker/versions-in-folders.ts";
import { type Deed, describeTarget, SAID, VERSION } from "./target.contract.ts";

const now = () => new Date();
const worker = { kind: "worker" } as const;
const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:example-consumer";
const lambda = { kind: "lambda", functionArn } as const;

const delay = async () => {};

/** A queue and a state machine are asked before anything runs: what fails is that, and no version of theirs says so. */
const NOBODY = { version: undefined } as const;

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

describeTarget("sqs", async () => {
  const received: unknown[] = [];
  type Entry = { Id: string; MessageBody: string };
  const { endpoint } = await awsJsonStub(({ input }) => {
    const entries = input.Entries as Entry[];
    if (entries.some(({ MessageBody }) => deedIn(MessageBody) === "hang")) return "hang";
    received.push(...entries.map(({ MessageBody }) => JSON.parse(MessageBody)));
    const answers = entries.map(({ Id, MessageBody }) => ({ Id, deed: deedIn(MessageBody) }));
    return {
      Successful: answers.flatMap(({ Id, deed }) => (deed === "take" ? [{ Id, MessageId: `message-${Id}` }] : [])),
      Failed: answers.flatMap(({ Id, deed }) =>
        deed === "fail" ? [{ Id, SenderFault: false, Code: "InternalError", Message: SAID }] : [],
      ),
    };
  });
  return {
    ...NOBODY,
    target: sqsTarget({ askFor: askingOf({ name: "sqs", target: "AmazonSQS", version: "1.0" }, endpoint), now }),
    address: { kind: "sqs", queueArn: "arn:aws:sqs:eu-west-1:123456789012:orders" },
    foreignAddress: lambda,
    received: () => received,
  };
});

describeTarget("step-functions", async () => {
  const received: unknown[] = [];
  const { endpoint } = await awsJsonStub(({ input }) => {
    const deed = deedIn(String(input.input));
    if (deed === "hang") return "hang";
    if (deed === "fail") return { refusal: "KmsInvalidStateException", message: SAID };
    received.push(JSON.parse(String(input.input)));
    return { executionArn: `${input.stateMachineArn}:${input.name}`, startDate: 1 };
  });
  const askFor = askingOf({ name: "states", target: "AWSStepFunctions", version: "1.0" }, endpoint);
  return {
    ...NOBODY,
    target: stepFunctionsTarget({ askFor, now, delay }),
    address: { kind: "step-functions", stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:s:live" },
    foreignAddress: lambda,
    received: () => received,
  };
});

describeTarget("ecs", async () => {
  const received: unknown[] = [];
  type Overrides = { containerOverrides: { environment: { value: string }[] }[] };
  const { endpoint } = await awsJsonStub(({ input }) => {
    const payload = (input.overrides as Overrides).containerOverrides[0]?.environment[0]?.value ?? "";
    const deed = deedIn(payload);
    if (deed === "hang") return "hang";
    if (deed === "fail") return { tasks: [], failures: [{ reason: "MISSING", detail: SAID }] };
    received.push(JSON.parse(payload));
    return { tasks: [{ taskArn: "arn:aws:ecs:eu-west-1:123456789012:task/builds/0123456789abcdef" }], failures: [] };
  });
  const askFor = askingOf({ name: "ecs", target: "AmazonEC2ContainerServiceV20141113", version: "1.1" }, endpoint);
  const keep = async () => "s3://bodies/handed";
  return {
    ...NOBODY,
    isLater: true,
    target: ecsTarget({ askFor, keep, now, delay }),
    address: {
      kind: "ecs",
      clusterArn: "arn:aws:ecs:eu-west-1:123456789012:cluster/builds",
      taskDefinition: "builder:7",
      container: "build",
    },
    foreignAddress: lambda,
    received: () => received,
  };
});
