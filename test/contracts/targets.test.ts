import { onTestFinished } from "vitest";
import { ecsTarget } from "../../shared/targets/ecs-target.ts";
import { httpTarget } from "../../shared/targets/http/http-target.ts";
import { lambdaTarget } from "../../shared/targets/lambda-target.ts";
import { sqsTarget } from "../../shared/targets/sqs-target.ts";
import { stepFunctionsTarget } from "../../shared/targets/step-functions-target.ts";
import { askingOf, awsJsonStub } from "../support/aws-json-stub.ts";
import { doublingWire } from "../support/doubling-wire.ts";
import { lambdaClient, lambdaStub } from "../support/lambda-stub.ts";
import { stubServer } from "../support/stub-server.ts";
import { aProgram, entered } from "../targets/process/runtime-client.ts";
import { aWorkerTarget, type Code } from "../targets/worker/versions-in-folders.ts";
import { aListenedLaptop } from "./listened-laptop.ts";
import { type Deed, describeTarget, SAID, type SendDeed, VERSION } from "./target.contract.ts";

const SQS = { name: "sqs", target: "AmazonSQS", version: "1.0" } as const;
const STEP_FUNCTIONS = { name: "states", target: "AWSStepFunctions", version: "1.0" } as const;
const ECS = { name: "ecs", target: "AmazonEC2ContainerServiceV20141113", version: "1.1" } as const;

const now = () => new Date();
const worker = { kind: "worker" } as const;
const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:example-consumer";
const lambda = { kind: "lambda", functionArn } as const;

const delay = async () => {};

/** A queue and a state machine are asked before anything runs: what fails is that, and no version of theirs says so. */
const NOBODY = { version: undefined } as const;

const deedIn = (payload: string): Deed => JSON.parse(payload).detail.deed;

/** On the wire, whatever it is escaped with there. */
const TWICE = /deed\W+twice/;

/** A service that has no room for a while. */
function aDoor() {
  let isShut = false;
  return {
    isShut: () => isShut,
    fill: () => {
      isShut = true;
      return () => {
        isShut = false;
      };
    },
  };
}

/** In whatever runs JavaScript. */
const DO = `
  tell(JSON.stringify(event));
  if (event.detail.deed === "wait") await until("room");
  if (["fail", "refuse"].includes(event.detail.deed)) throw new RangeError(${JSON.stringify(SAID)});
  if (event.detail.deed === "hang") await new Promise((resolve) => setTimeout(resolve, 60_000));`;

const HANDLER = `export const handler = (event) => new Promise((resolve, reject) => {
  const run = async () => {${DO}};
  run().then((answer) => { resolve(answer); resolve(answer); }, reject);
});`;

/** Two events at once: as many as stand in the settings. */
async function hosted(code: Code, handler: string) {
  const { target, publish, told, toldFile, digested, open, untilTold } = aWorkerTarget();
  publish(VERSION, code, { handler });
  await digested();
  return {
    target: target.send,
    address: worker,
    foreignAddress: lambda,
    environment: { TOLD: toldFile },
    received: () => told().map((line) => JSON.parse(line)),
    async fill(send: SendDeed) {
      const before = told().length;
      const held = Promise.all([send("wait"), send("wait")]);
      await untilTold(before + 2);
      return () => {
        open("room");
        return held;
      };
    },
  };
}

describeTarget("worker, with JavaScript", () => hosted(HANDLER, "index.handler"));

describeTarget("process", () =>
  hosted(
    aProgram(`${DO} if (event.detail.deed === "twice") await post("/invocation/" + idOf(headers) + "/response", "1");`),
    entered.handler,
  ),
);

describeTarget("laptop", async () => {
  const { target: code, environment, foreignAddress, received } = await hosted(HANDLER, "index.handler");
  const { target, fill } = await aListenedLaptop("laptop-ada", ({ item, payload }) =>
    code({
      ...{ component: item.component, alias: item.alias, address: worker, invocation: { kind: "sync" }, subject: {} },
      ...{ payload, idempotencyKey: item.turnout.idempotencyKey, requestId: item.requestId, lapses: 0 },
      worker: { concurrency: 2, memoryMb: 256, environment },
      timeoutMs: item.timeoutMs,
      latestStart: new Date(8.64e15),
    }),
  );
  return { target, fill, received, foreignAddress, address: { kind: "laptop" } as const, version: "laptop-ada" };
});

describeTarget("lambda", async () => {
  const { fill, isShut } = aDoor();
  const taken: string[] = [];
  const stub = await lambdaStub(async ({ payload }) => {
    if (isShut()) return { status: 429, errorType: "TooManyRequestsException", message: "Rate Exceeded." };
    taken.push(payload);
    const deed = deedIn(payload);
    if (deed === "hang") await new Promise(() => {});
    if (deed === "refuse") return { status: 502, errorType: "KMSAccessDeniedException", message: SAID };
    const error = { errorType: "RangeError", errorMessage: SAID };
    return { executedVersion: VERSION, ...(deed === "fail" && { functionError: "Unhandled", payload: error }) };
  });
  return {
    fill,
    target: lambdaTarget({ client: lambdaClient(await doublingWire(stub.endpoint, TWICE)), now }),
    address: lambda,
    foreignAddress: worker,
    received: () => taken.map((payload) => JSON.parse(payload)),
  };
});

describeTarget("http", async () => {
  const received: unknown[] = [];
  const { fill, isShut } = aDoor();
  const server = await stubServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (isShut()) return void response.writeHead(429).end("later");
    const payload = Buffer.concat(chunks).toString();
    received.push(JSON.parse(payload));
    const deed = deedIn(payload);
    if (deed === "hang") return;
    const status = { fail: 500, refuse: 422 }[deed as string] ?? 200;
    response.writeHead(status, { "turnout-version": VERSION });
    response.end(status === 200 ? "" : SAID);
  });
  const url = await doublingWire(server, TWICE);
  const target = httpTarget({ now, secretText: async () => "", graceMs: 0 });
  onTestFinished(() => target.close());
  return {
    fill,
    isFinal: true,
    target: target.send,
    address: { kind: "http", url, format: "published", private: true },
    foreignAddress: lambda,
    received: () => received,
  };
});

const isTaken = (deed: Deed) => deed === "take" || deed === "twice";

describeTarget("sqs", async () => {
  const refusals = {
    fail: { SenderFault: false, Code: "InternalError" },
    refuse: { SenderFault: true, Code: "InvalidMessageContents" },
  };
  const received: unknown[] = [];
  type Entry = { Id: string; MessageBody: string };
  const { fill, isShut } = aDoor();
  const { endpoint } = await awsJsonStub(({ input }) => {
    if (isShut()) return { refusal: "RequestThrottled", message: "Rate exceeded" };
    const entries = input.Entries as Entry[];
    if (entries.some(({ MessageBody }) => deedIn(MessageBody) === "hang")) return "hang";
    received.push(...entries.map(({ MessageBody }) => JSON.parse(MessageBody)));
    const answers = entries.map(({ Id, MessageBody }) => ({ Id, deed: deedIn(MessageBody) }));
    return {
      Successful: answers.flatMap(({ Id, deed }) => (isTaken(deed) ? [{ Id, MessageId: `message-${Id}` }] : [])),
      Failed: answers.flatMap(({ Id, deed }) =>
        isTaken(deed) ? [] : [{ Id, Message: SAID, ...refusals[deed === "fail" ? "fail" : "refuse"] }],
      ),
    };
  });
  return {
    ...NOBODY,
    fill,
    isFinal: true,
    target: sqsTarget({ askFor: askingOf(SQS, await doublingWire(endpoint, TWICE)), now }),
    address: { kind: "sqs", queueArn: "arn:aws:sqs:eu-west-1:123456789012:orders" },
    foreignAddress: lambda,
    received: () => received,
  };
});

describeTarget("step-functions", async () => {
  const received: unknown[] = [];
  const { fill, isShut } = aDoor();
  const { endpoint } = await awsJsonStub(({ input }) => {
    if (isShut()) return { refusal: "ExecutionLimitExceeded", message: "too many run" };
    const deed = deedIn(String(input.input));
    if (deed === "hang") return "hang";
    if (deed === "refuse") return { refusal: "InvalidExecutionInput", message: SAID };
    if (deed === "fail") return { refusal: "KmsInvalidStateException", message: SAID };
    received.push(JSON.parse(String(input.input)));
    return { executionArn: `${input.stateMachineArn}:${input.name}`, startDate: 1 };
  });
  const askFor = askingOf(STEP_FUNCTIONS, await doublingWire(endpoint, TWICE));
  return {
    ...NOBODY,
    fill,
    isFinal: true,
    target: stepFunctionsTarget({ askFor, now, delay }),
    address: { kind: "step-functions", stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:s:live" },
    foreignAddress: lambda,
    received: () => received,
  };
});

describeTarget("ecs", async () => {
  const received: unknown[] = [];
  type Overrides = { containerOverrides: { environment: { value: string }[] }[] };
  const { fill, isShut } = aDoor();
  const { endpoint } = await awsJsonStub(({ input }) => {
    if (isShut()) return { tasks: [], failures: [{ reason: "RESOURCE:CPU", detail: "no room" }] };
    const payload = (input.overrides as Overrides).containerOverrides[0]?.environment[0]?.value ?? "";
    const deed = deedIn(payload);
    if (deed === "hang") return "hang";
    if (deed === "refuse") return { refusal: "InvalidParameterException", message: SAID };
    if (deed === "fail") return { tasks: [], failures: [{ reason: "MISSING", detail: SAID }] };
    received.push(JSON.parse(payload));
    return { tasks: [{ taskArn: "arn:aws:ecs:eu-west-1:123456789012:task/builds/0123456789abcdef" }], failures: [] };
  });
  const askFor = askingOf(ECS, await doublingWire(endpoint, TWICE));
  const keep = async () => "s3://bodies/handed";
  return {
    ...NOBODY,
    fill,
    isFinal: true,
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
