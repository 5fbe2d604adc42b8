import type { CloudFormationCustomResourceResponse, SQSBatchResponse } from "aws-lambda";
import { sqsRecord } from "../../scripts/embedded/sqs-record.ts";
import { s3BodyStore } from "../../shared/body-store/s3-body-store.ts";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import type { EventQueue } from "../../shared/event-queue/event-queue.ts";
import { sqsEventQueue } from "../../shared/event-queue/sqs-event-queue.ts";
import type { BundledCode } from "./bundled-code.ts";
import { type AboutLambda, bundledLambda } from "./bundled-lambda.ts";
import { dynamodbWire, textOf, type Watch } from "./bundled-wire.ts";
import { aCli, jsonLines } from "./cli-process.ts";
import { controlPlaneStub } from "./control-plane-stub.ts";
import { anEventStore } from "./dynamodb-event-store.ts";
import { createTable, dynamodbClient } from "./dynamodb-local.ts";
import { aRoutingTable } from "./dynamodb-routing.ts";
import { functionArn, lambdaControlStub } from "./lambda-control-stub.ts";
import { s3Client, s3Stub } from "./s3-stub.ts";
import { sqsClient, sqsStub } from "./sqs-stub.ts";
import { stubServer } from "./stub-server.ts";

/** As the CDK app sets them: a router lives 15 minutes at most, and the queue hides a message for six times that. */
const ROUTER_TIMEOUT_MS = 900_000;
const QUEUE = {
  senderId: "AIDAEXAMPLE",
  queueArn: "arn:aws:sqs:eu-west-1:123456789012:prod-turnout-live",
  region: "eu-west-1",
};

export const VISIBILITY_MS = 6 * ROUTER_TIMEOUT_MS;

/** The component of the tests, and its function. */
export const COMPONENT = "release-coordinator";
const FUNCTION = `prod-${COMPONENT}`;
const BUCKET = "bodies-of-acme";

const CLOCK = new URL("./bundled-clock.ts", import.meta.url).href;

export type AboutEnvironment = Partial<Pick<AboutLambda, "run">> & {
  /** Told of all that Turnout's functions ask of DynamoDB and Lambda. */
  watch?: Watch;
  /** Of the live queue. Default 1,000. */
  maxReceiveCount?: number;
  maxInFlight?: number;
  /** Routers at once. Default 1. */
  routers?: number;
};

/**
 * An environment `prod` on the bundles that the CDK app deploys: DynamoDB Local, and stubs of all the rest that speak its
 * protocols. Functions and CLI are processes of their own on the real SDK, told nothing but their environment variables.
 * The clock is the machine's, put ahead as far as the test says.
 */
export async function anEnvironmentOnBundles(dynamodb: string, code: BundledCode, about: AboutEnvironment = {}) {
  const { maxReceiveCount, maxInFlight, routers = 1, watch = () => undefined, run = () => undefined } = about;
  const start = new Date();
  let clockAheadMs = 0;
  const clock = () => Date.now() + clockAheadMs;
  const pass = (ms: number) => {
    clockAheadMs += Math.max(0, ms);
  };
  const aboutSqs = { clock, ...(maxInFlight === undefined ? {} : { maxInFlight }) };
  const [live, other, control, plane, s3] = await Promise.all([
    sqsStub(maxReceiveCount, aboutSqs),
    sqsStub(10, aboutSqs),
    lambdaControlStub(),
    controlPlaneStub(),
    s3Stub(BUCKET),
  ]);
  const maker = dynamodbClient(dynamodb);
  const [routingName, eventName] = [await createTable(maker), await createTable(maker)];
  maker.destroy();
  const { table } = aRoutingTable(dynamodb, routingName);
  const { store } = anEventStore(dynamodb, eventName, { bodies: s3BodyStore(s3Client(s3.endpoint), BUCKET) });
  const queues = {
    live: sqsEventQueue({ client: sqsClient(live.endpoint), queueUrl: live.queueUrl }),
    dead: sqsEventQueue({ client: sqsClient(live.endpoint), queueUrl: live.deadLetterQueueUrl }),
    outcomes: sqsEventQueue({ client: sqsClient(other.endpoint), queueUrl: other.queueUrl }),
  };

  const stores = {
    TURNOUT_ROUTING_TABLE: routingName,
    TURNOUT_EVENT_TABLE: eventName,
    TURNOUT_BODY_BUCKET: BUCKET,
  };
  const metrics = { TURNOUT_METRICS: "prod-turnout" };
  const routerTimeout = { TURNOUT_ROUTER_TIMEOUT_MS: String(ROUTER_TIMEOUT_MS) };
  /** What each has beside the names of the stores: as in `infra`, and no more. */
  const own: Record<string, Record<string, string>> = {
    router: { ...routerTimeout, TURNOUT_LIVE_QUEUE_URL: live.queueUrl },
    "dead-letters": { ...routerTimeout, TURNOUT_DEAD_LETTER_QUEUE_URL: live.deadLetterQueueUrl },
    "rule-dead-letters": { ...routerTimeout, TURNOUT_RULE_DEAD_LETTER_QUEUE_URL: live.deadLetterQueueUrl },
    outcomes: { ...routerTimeout, TURNOUT_OUTCOME_QUEUE_URL: other.queueUrl },
    replayer: routerTimeout,
    sweeper: { TURNOUT_LIVE_QUEUE_URL: live.queueUrl, TURNOUT_OUTCOME_QUEUE_URL: other.queueUrl },
  };
  const bus = { TURNOUT_EVENT_BUS: "prod-turnout-events" };
  const lambda = await bundledLambda({
    code,
    control,
    run,
    watch,
    tell: (record) => queues.outcomes.send([JSON.stringify(record)], now()),
    clockAheadMs: () => clockAheadMs,
    variablesOf: (entry) => ({ ...stores, ...metrics, ...bus, ...own[entry], ...endpointsFor(entry) }),
  });
  const wire = await dynamodbWire(dynamodb, lambda.watched);
  function endpointsFor(entry: string) {
    return {
      AWS_ENDPOINT_URL_DYNAMODB: wire,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
      AWS_ENDPOINT_URL_SQS: entry === "outcomes" ? other.endpoint : live.endpoint,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: plane.endpoint,
    };
  }
  function now(): Date {
    return new Date(clock());
  }

  /** Lambda's event source: hands over what is visible, and deletes what succeeded. A batch whose function dies stays hidden. */
  async function drain(entry: string, from: EventQueue, atOnce = 1): Promise<void> {
    let died = false;
    const take = async () => {
      while (!died) {
        const messages = await from.receive(10, VISIBILITY_MS, now());
        if (messages.length === 0) return;
        try {
          const answer = (await lambda.invoke(entry, {
            Records: messages.map((message) => sqsRecord(message, QUEUE)),
          })) as SQSBatchResponse;
          const back = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
          await from.delete(messages.filter(({ messageId }) => !back.has(messageId)).map((done) => done.receiptHandle));
        } catch {
          died = true;
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, take));
    await lambda.settled();
  }

  const aboutCli = cliVariables();
  const { spawned: cli } = aCli(undefined, aboutCli);
  function cliVariables() {
    const settings = {
      ...stores,
      TURNOUT_LIVE_QUEUE_URL: live.queueUrl,
      TURNOUT_DEAD_LETTER_QUEUE_URL: live.deadLetterQueueUrl,
      TURNOUT_OUTCOME_QUEUE_URL: other.queueUrl,
      TURNOUT_REPLAYER: "prod-turnout-replayer",
      TURNOUT_COMMITTER: "prod-turnout-committer",
      TURNOUT_EVENT_BUS: "prod-turnout-events",
    };
    plane.parameters.set("/turnout/prod", JSON.stringify(settings));
    return {
      TURNOUT_ENV: "prod",
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "turnout",
      AWS_SECRET_ACCESS_KEY: "turnout",
      // No profile of this machine's, and nothing asked of its network.
      AWS_CONFIG_FILE: "/no/config",
      AWS_SHARED_CREDENTIALS_FILE: "/no/credentials",
      AWS_EC2_METADATA_DISABLED: "true",
      NODE_OPTIONS: `--import ${CLOCK}`,
      ...endpointsFor("cli"),
      ...Object.fromEntries(
        ["SSM", "STS", "EVENTBRIDGE"].map((service) => [`AWS_ENDPOINT_URL_${service}`, plane.endpoint]),
      ),
    };
  }
  const clockVariable = () => ({ TURNOUT_TEST_CLOCK_AHEAD_MS: String(clockAheadMs) });

  /** Runs a command that has to succeed, and reads what it says. */
  async function turnout(args: readonly string[], input = ""): Promise<Record<string, unknown>[]> {
    const result = await cli([...args, "--json"], input, clockVariable());
    if (result.code !== 0) throw new Error(`turnout ${args.join(" ")} ended with ${result.code}: ${result.stderr}`);
    return jsonLines(result.stdout);
  }

  const answers: CloudFormationCustomResourceResponse[] = [];
  const cloudFormation = await stubServer((request, response) => {
    void textOf(request).then((text) => {
      answers.push(JSON.parse(text));
      response.end();
    });
  });
  let properties: object | undefined;
  /** Publishes code as a deployment does, which moves `experimental`. Returns CloudFormation's answer. */
  async function deploy(
    text: string,
    settings: object = {},
  ): Promise<CloudFormationCustomResourceResponse | undefined> {
    const OldResourceProperties = properties;
    properties = {
      name: COMPONENT,
      functionArn: functionArn(FUNCTION),
      settings: JSON.stringify({ pattern: { source: ["shop"] }, timeoutMs: 30_000, ...settings }),
      version: control.release(FUNCTION, text),
      aliases: ["stable", "beta", "experimental"],
      moves: "experimental",
    };
    const before = answers.length;
    await lambda.invoke("component-resource", {
      RequestType: OldResourceProperties === undefined ? "Create" : "Update",
      ResponseURL: cloudFormation,
      StackId: "arn:aws:cloudformation:eu-west-1:123456789012:stack/prod-shop/1",
      RequestId: "1",
      LogicalResourceId: "Component",
      ResourceType: "Custom::TurnoutComponent",
      ResourceProperties: properties,
      ...(OldResourceProperties === undefined ? {} : { PhysicalResourceId: COMPONENT, OldResourceProperties }),
    });
    return answers[before];
  }

  let bridged = 0;
  return {
    lambda,
    control,
    table,
    store,
    s3,
    live,
    queues,
    now,
    pass,
    turnout,
    /** What a command of a test's own is started with: its clock then stands where the environment's does now. */
    cliVariables: () => ({ ...aboutCli, ...clockVariable() }),
    deploy,
    /** Uploads code, which nobody has published yet. */
    upload: (text: string) => control.upload(FUNCTION, text),
    aliases: () => control.aliasesOf(FUNCTION),
    /** Publishes by the CLI, and has the bus's rule put the events into the live queue. Returns them. */
    async publish(...details: Record<string, unknown>[]) {
      const entries = details.map((Detail) => JSON.stringify({ Source: "shop", DetailType: "order placed", Detail }));
      await turnout(["publish"], entries.join("\n"));
      const entered = plane.published.slice(bridged).map(({ Source, DetailType, Detail }, n) => ({
        version: "0",
        id: `event-${bridged + n + 1}`,
        "detail-type": DetailType,
        source: Source,
        account: "123456789012",
        time: `${now().toISOString().slice(0, 19)}Z`,
        region: "eu-west-1",
        resources: [],
        detail: JSON.parse(Detail) as { metadata: { idempotencyKey: string } },
      }));
      bridged += entered.length;
      const events = entered.filter(({ source }) => source !== "turnout");
      await queues.live.send(
        events.map((event) => JSON.stringify(event)),
        now(),
      );
      return events;
    },
    /** What Turnout has told the bus about itself. */
    notices: () => plane.published.filter(({ Source }) => Source === "turnout"),
    route: () => drain("router", queues.live, routers),
    bury: () => drain("dead-letters", queues.dead),
    takeOutcomes: () => drain("outcomes", queues.outcomes),
    /** Until the next message that waits is visible. */
    passUntilVisible: () => pass((live.nextVisible()?.getTime() ?? 0) - clock()),
    /** What is called every minute, a minute later. */
    async minute() {
      pass(60_000);
      const [swept] = await Promise.all(["sweeper", "move-sweeper", "replayer"].map((one) => lambda.invoke(one, {})));
      return swept as { redelivered: number; expired: number };
    },
    /** Records of what was sent within the first ten minutes. */
    records: async () =>
      (await Array.fromAsync(store.records({ from: start, to: new Date(start.getTime() + 600_000) }, now()))).flat(),
    /** An event's deliveries, oldest generation first. */
    async deliveriesOf(idempotencyKey: string): Promise<LedgerEntry[]> {
      const key = eventKeyOf("shop", "order placed", idempotencyKey);
      const found = (await store.deliveriesOf([key])).get(key) ?? [];
      return found.toSorted((a, b) => a.since.getTime() - b.since.getTime());
    },
  };
}
