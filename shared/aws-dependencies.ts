import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import { keptConnections } from "./aws/kept-connections.ts";
import { quickDynamoDB } from "./aws/quick-dynamodb.ts";
import { quickLambda } from "./aws/quick-lambda.ts";
import type { BodyStore } from "./body-store/body-store.ts";
import { TurnoutError } from "./domain/errors.ts";
import { RetryPolicy } from "./domain/retry.ts";
import type { Component } from "./domain/routing/component.ts";
import { readable } from "./domain/routing/unreadable-row.ts";
import { sqsEventQueue } from "./event-queue/sqs-event-queue.ts";
import { dynamodbEventStore } from "./event-store/dynamodb-event-store.ts";
import type { LaptopStore } from "./laptop-store/laptop-store.ts";
import { dynamodbReplayStore } from "./replay-store/dynamodb-replay-store.ts";
import { dynamodbRoutingTable } from "./routing-table/dynamodb-routing-table.ts";
import type { RoutingTable } from "./routing-table/routing-table.ts";
import { type AwsSettings, required } from "./settings.ts";
import { targetsOnFirstUse } from "./target-dependencies.ts";
import { lambdaTarget } from "./targets/lambda-target.ts";
import { targetByKind } from "./targets/target-by-kind.ts";
import { type LambdaVersionCatalog, lambdaVersionCatalog } from "./versions/lambda-version-catalog.ts";
import { dynamodbWatchStore } from "./watch-store/dynamodb-watch-store.ts";

/** About 5 s of waiting in all, at worst: then the batch goes back to the queue, which has more patience. */
const DYNAMODB_RETRY = RetryPolicy.parse({ maxAttempts: 10, baseDelayMs: 25, maxDelayMs: 1_000 });

/** A DynamoDB request takes some milliseconds. One that takes seconds is lost, and is better made again. */
const DYNAMODB_TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };

/** Sending twice is one message more, which the ledger sees through; so here the SDK tries again by itself. */
const SQS_TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true };

/** An invocation takes as long as its component may, and the target watches that; here nothing must cut in. */
const LAMBDA_TIMEOUTS = { connectionTimeout: 3_000, requestTimeout: 0, socketTimeout: 0 };

/** An object of S3 takes longer than an item, and the SDK tries again by itself: putting it twice is putting it once. */
const S3_TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

/** Lambda's control plane takes 15 requests a second from a whole account: 6 tries wait up to 20 s in all. */
const CONTROL_PLANE_TRIES = 6;
const CONTROL_PLANE_TIMEOUTS = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

/** A router: 25 messages, each to ten components at once. A replayer: as many replays as there may be, at their most. */
const MAX_INVOCATIONS = 500;

/** Makes the adapters and the only clients that they use. One connection pool per service, for the process's life. */
export function awsDependencies(settings: AwsSettings) {
  const { routingTable, region, ...events } = settings;
  // No retries in the SDK: the stores have their own, and an attempt at a component must be counted in the ledger. One
  // that is lost on a dead connection would be counted, too, which `keptConnections` sees to.
  const base = { region, maxAttempts: 1 };
  const dynamodb = new DynamoDBClient({ ...base, requestHandler: { ...DYNAMODB_TIMEOUTS, ...keptConnections(50) } });
  const lambda = new LambdaClient({
    ...base,
    requestHandler: { ...LAMBDA_TIMEOUTS, ...keptConnections(MAX_INVOCATIONS) },
  });
  const sqs = new SQSClient({ region, maxAttempts: 3, requestHandler: { ...SQS_TIMEOUTS, ...keptConnections(50) } });
  const queueAt = (queueUrl: string | undefined, variable: string) =>
    sqsEventQueue({ client: sqs, queueUrl: required(queueUrl, variable) });
  const onDynamoDB = {
    client: quickDynamoDB(dynamodb),
    retry: DYNAMODB_RETRY,
    random: Math.random,
    delay,
  };
  const laptops = laptopsOnFirstUse(async () => {
    const { dynamodbLaptopStore } = await import("./laptop-store/dynamodb-laptop-store.ts");
    return dynamodbLaptopStore({ ...onDynamoDB, tableName: events.eventTable, newId: randomUUID });
  });
  return {
    routingTable: dynamodbRoutingTable({ ...onDynamoDB, tableName: routingTable }),
    events: dynamodbEventStore({
      ...onDynamoDB,
      tableName: events.eventTable,
      recordShards: events.recordShards,
      dueShards: events.dueShards,
      bodies: onFirstUse(() => openBodies(region, events.bodyBucket)),
    }),
    replays: dynamodbReplayStore({ ...onDynamoDB, tableName: events.eventTable, newId: randomUUID }),
    watches: dynamodbWatchStore({ ...onDynamoDB, tableName: events.eventTable, newId: randomUUID }),
    target: targetByKind({
      lambda: lambdaTarget({ client: quickLambda(lambda), now: () => new Date() }),
      ...targetsOnFirstUse({
        laptops,
        credentials: () => lambda.config.credentials(),
        region,
        bodyBucket: events.bodyBucket,
      }),
    }),
    laptops,
    /** Publishes events of Turnout's own, at most ten. @throws TurnoutError `usage` when the environment names no bus */
    notify: async (...events: string[]) =>
      notifyBus(lambda, region, required(settings.eventBus, "TURNOUT_EVENT_BUS"), events),
    /** @throws TurnoutError `usage` when the environment doesn't name it */
    liveQueue: () => queueAt(settings.liveQueueUrl, "TURNOUT_LIVE_QUEUE_URL"),
    /** @throws TurnoutError `usage` when the environment doesn't name it */
    deadLetterQueue: () => queueAt(settings.deadLetterQueueUrl, "TURNOUT_DEAD_LETTER_QUEUE_URL"),
    /** @throws TurnoutError `usage` when the environment doesn't name it */
    ruleDeadLetterQueue: () => queueAt(settings.ruleDeadLetterQueueUrl, "TURNOUT_RULE_DEAD_LETTER_QUEUE_URL"),
    /** @throws TurnoutError `usage` when the environment doesn't name it */
    outcomeQueue: () => queueAt(settings.outcomeQueueUrl, "TURNOUT_OUTCOME_QUEUE_URL"),
    close() {
      sqs.destroy();
      dynamodb.destroy();
      lambda.destroy();
    },
  };
}

/** Versions and aliases of the functions that the routing table names. Apart from the rest: a router needs none of it. */
export function awsCatalog({ region }: Pick<AwsSettings, "region">, routingTable: Pick<RoutingTable, "rows">) {
  const requestHandler = { ...CONTROL_PLANE_TIMEOUTS, ...keptConnections(10) };
  const client = new LambdaClient({ region, maxAttempts: CONTROL_PLANE_TRIES, requestHandler });
  const catalog: LambdaVersionCatalog = lambdaVersionCatalog({
    client,
    async functionOf(name) {
      const { rows } = await routingTable.rows([`component#${name}`]);
      const component = readable(rows.get(`component#${name}`));
      return component && functionBehind(component);
    },
  });
  return { catalog, client, close: () => client.destroy() };
}

/**
 * The function that a component's aliases are aliases of; undefined when they are none.
 * @throws TurnoutError `failed` when they are of several: their versions could not be told apart
 */
function functionBehind({ name, aliases }: Component): string | undefined {
  const targets = Object.values(aliases).map(({ target }) => target);
  const [functionArn, other] = new Set(
    targets.flatMap((target) => (target.kind === "lambda" ? [target.functionArn] : [])),
  );
  if (other === undefined) return functionArn;
  throw new TurnoutError(
    "failed",
    `The aliases of ${name} are targets of several functions, ${functionArn} and ${other}: versions are those of one. ` +
      "Correct the component, or make it two.",
  );
}

/** What speaks to the bus is loaded by the first notice: there are few. */
async function notifyBus({ config }: LambdaClient, region: string, name: string, events: readonly string[]) {
  const { putNotices } = await import("./aws/put-notices.ts");
  const endpoint = process.env.AWS_ENDPOINT_URL_EVENTBRIDGE;
  await putNotices({ name, region, credentials: () => config.credentials(), endpoint }, events);
}

/** The client for S3 is loaded by the first large body: most routers never see one, and it takes as long as all the rest. */
async function openBodies(region: string, bucket: string): Promise<BodyStore> {
  const [{ S3Client }, { s3BodyStore }] = await Promise.all([
    import("@aws-sdk/client-s3"),
    import("./body-store/s3-body-store.ts"),
  ]);
  // 3 tries whatever the environment says. Its sockets let the process end by themselves.
  const requestHandler = { ...S3_TIMEOUTS, ...keptConnections(50) };
  return s3BodyStore(new S3Client({ region, maxAttempts: 3, requestHandler }), bucket);
}

function onFirstUse(open: () => Promise<BodyStore>): BodyStore {
  let opened: Promise<BodyStore> | undefined;
  const bodies = () => {
    opened ??= open();
    return opened;
  };
  return {
    put: async (key, bytes) => (await bodies()).put(key, bytes),
    get: async (key) => (await bodies()).get(key),
    expire: async (now, limit) => (await bodies()).expire(now, limit),
  };
}

/** Who listens on a laptop is asked where an alias stands for one: most routers never load this. */
function laptopsOnFirstUse(open: () => Promise<LaptopStore>): LaptopStore {
  let opened: Promise<LaptopStore> | undefined;
  const store = () => {
    opened ??= open();
    return opened;
  };
  return {
    leases: async () => (await store()).leases(),
    putLease: async (lease) => (await store()).putLease(lease),
    removeLease: async (lease) => (await store()).removeLease(lease),
    deliver: async (item) => (await store()).deliver(item),
    inbox: async (inbox, limit) => (await store()).inbox(inbox, limit),
    remove: async (items) => (await store()).remove(items),
  };
}
