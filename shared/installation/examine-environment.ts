import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { DescribeEventBusCommand, type EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { GetAccountSettingsCommand, GetFunctionConfigurationCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { HeadBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { explainAwsError } from "../aws/explain-error.ts";
import { TurnoutError } from "../domain/errors.ts";
import type { AwsSettings } from "../settings.ts";
import type { CallerIdentity } from "./caller-identity.ts";
import { type Finding, fine, problem, warning } from "./finding.ts";

export type ExaminedParts = {
  settings: AwsSettings;
  identity: () => Promise<CallerIdentity>;
  dynamodb: DynamoDBClient;
  s3: S3Client;
  sqs: SQSClient;
  eventBridge: EventBridgeClient;
  lambda: LambdaClient;
};

/** A signature is refused when the clock is 5 minutes off; leases and replays' windows are out by as much as it is. */
const CLOCK_MAY_BE_OFF_MS = 5_000;
const CLOCK_REFUSED_MS = 300_000;

const DEPLOY = "Deploy Turnout again";

/** Looks at everything that an environment consists of. Changes nothing; each part by itself, so that all is told. */
export async function examineEnvironment(parts: ExaminedParts): Promise<Finding[]> {
  const { settings } = parts;
  const found = await Promise.all([
    checked("credentials", settings, () => examineCaller(parts)),
    checked("routing table", settings, () => examineTable(parts.dynamodb, "routing table", settings.routingTable)),
    checked("event table", settings, () => examineTable(parts.dynamodb, "event table", settings.eventTable, "expires")),
    checked("body bucket", settings, () => examineBucket(parts)),
    ...queuesOf(settings).map(({ check, url }) => checked(check, settings, () => examineQueue(parts.sqs, check, url))),
    checked("event bus", settings, () => examineBus(parts)),
    checked("replayer", settings, () => examineReplayer(parts)),
    checked("committer", settings, () => examineCommitter(parts)),
    checked("concurrency", settings, () => examineConcurrency(parts)),
  ]);
  return found.flat();
}

/** What a check throws is what it has found. */
async function checked(check: string, { region }: AwsSettings, examine: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await examine();
  } catch (error) {
    const told = explainAwsError(error, region) ?? error;
    const message = told instanceof Error ? told.message : String(told);
    if (told instanceof TurnoutError) return [problem(check, message, ...told.remedies)];
    const name = error instanceof Error ? error.name : "Error";
    return [problem(check, `${name}: ${message}`, `See that it is there, and may be read. ${DEPLOY} if it isn't.`)];
  }
}

async function examineCaller({ identity, settings }: ExaminedParts): Promise<Finding[]> {
  const { arn, account, clockAheadMs } = await identity();
  const who = fine("credentials", `${arn}, account ${account}, ${settings.region}`);
  if (clockAheadMs === undefined) return [who];
  const off = Math.abs(clockAheadMs);
  const found = `${(off / 1_000).toFixed(1)} s ${clockAheadMs < 0 ? "behind" : "ahead of"} AWS's`;
  const remedy = "Let this machine's clock be set by NTP";
  if (off > CLOCK_REFUSED_MS) return [who, problem("clock", found, remedy)];
  if (off > CLOCK_MAY_BE_OFF_MS) return [who, warning("clock", found, remedy)];
  return [who, fine("clock", "right")];
}

async function examineTable(
  client: DynamoDBClient,
  check: string,
  TableName: string,
  ttlAttribute?: string,
): Promise<Finding[]> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName })).catch((error: unknown) => {
    if (error instanceof Error && error.name === "ResourceNotFoundException") return { Table: undefined };
    throw error;
  });
  if (Table === undefined) {
    return [
      problem(check, `there is no table ${TableName}`, `${DEPLOY}, or set AWS_PROFILE or AWS_REGION to where it is`),
    ];
  }
  const keys = (Table.KeySchema ?? []).map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`).join(", ");
  if (keys !== "pk HASH, sk RANGE") {
    return [
      problem(check, `${TableName} has the keys ${keys}, not pk and sk`, "Name Turnout's own table, or deploy it"),
    ];
  }
  const state = Table.TableStatus ?? "unknown";
  const isThere = state === "ACTIVE" || state === "UPDATING";
  return [
    isThere
      ? fine(check, `${TableName} is ${state.toLowerCase()}`)
      : problem(check, `${TableName} is ${state.toLowerCase()}`, "Wait until it is active, or deploy it again"),
    ...(ttlAttribute === undefined ? [] : [await examineTtl(client, check, TableName, ttlAttribute)]),
    await examineBackups(client, check, TableName),
  ];
}

async function examineTtl(client: DynamoDBClient, check: string, TableName: string, attribute: string) {
  const name = `${check}: expiry`;
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  const { TimeToLiveStatus = "DISABLED", AttributeName } = TimeToLiveDescription ?? {};
  if (TimeToLiveStatus.startsWith("ENABL") && AttributeName === attribute) return fine(name, `by '${attribute}'`);
  const found = AttributeName === undefined ? "off" : `${TimeToLiveStatus.toLowerCase()}, by '${AttributeName}'`;
  return warning(
    name,
    `${found}: nothing is ever removed`,
    `${DEPLOY}, or turn TTL on with the attribute '${attribute}'`,
  );
}

async function examineBackups(client: DynamoDBClient, check: string, TableName: string): Promise<Finding> {
  const name = `${check}: backups`;
  try {
    const { ContinuousBackupsDescription } = await client.send(new DescribeContinuousBackupsCommand({ TableName }));
    const status = ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus;
    if (status === "ENABLED") return fine(name, "point-in-time recovery is on");
    return warning(name, "point-in-time recovery is off", `${DEPLOY}, or turn it on`);
  } catch (error) {
    // Knowing whether there are backups is a permission of its own, and nothing depends on it.
    const message = error instanceof Error ? error.message : String(error);
    return warning(name, `not known (${message})`, "Allow dynamodb:DescribeContinuousBackups, or look for yourself");
  }
}

async function examineBucket({ s3, settings: { bodyBucket, region } }: ExaminedParts): Promise<Finding[]> {
  const check = "body bucket";
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bodyBucket }));
    return [fine(check, `${bodyBucket} is there`)];
  } catch (error) {
    // An answer to HEAD has no body to say more.
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
    const status = $metadata?.httpStatusCode;
    if (status === 404) return [problem(check, `there is no bucket ${bodyBucket}`, DEPLOY)];
    if (status === 403) return [problem(check, `${bodyBucket} may not be read`, "Allow s3:ListBucket on it")];
    if (status === 301 || status === 400) {
      return [problem(check, `${bodyBucket} is in another region than ${region}`, "Set AWS_REGION to where it is")];
    }
    throw error;
  }
}

type ExaminedQueue = { check: string; url: string | undefined };

const LIVE = "live queue";

function queuesOf(settings: AwsSettings): ExaminedQueue[] {
  const { liveQueueUrl, deadLetterQueueUrl, ruleDeadLetterQueueUrl, outcomeQueueUrl } = settings;
  return [
    { check: LIVE, url: liveQueueUrl },
    { check: "dead-letter queue", url: deadLetterQueueUrl },
    { check: "rule's dead-letter queue", url: ruleDeadLetterQueueUrl },
    { check: "outcomes queue", url: outcomeQueueUrl },
  ];
}

async function examineQueue(client: SQSClient, check: string, QueueUrl: string | undefined): Promise<Finding[]> {
  if (QueueUrl === undefined) return [warning(check, "the settings name none, so it was not looked at", DEPLOY)];
  const AttributeNames = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "RedrivePolicy",
  ] as const;
  const { Attributes = {} } = await client
    .send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }))
    .catch((error: unknown) => {
      if (error instanceof Error && /QueueDoesNotExist|NonExistentQueue/.test(error.name)) {
        throw new TurnoutError("not found", `there is no queue ${QueueUrl}. ${DEPLOY}.`);
      }
      throw error;
    });
  const waiting = Number(Attributes.ApproximateNumberOfMessages ?? 0);
  const inFlight = Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0);
  const found = `about ${waiting} waiting, ${inFlight} in flight`;
  if (check.endsWith("dead-letter queue") && waiting > 0) {
    return [
      warning(check, found, "They are closed as dead within minutes. If they stay, look at the function's errors"),
    ];
  }
  if (check === LIVE && Attributes.RedrivePolicy === undefined) {
    return [warning(check, `${found}; it has no dead-letter queue`, DEPLOY)];
  }
  return [fine(check, found)];
}

async function examineBus({ eventBridge, settings: { eventBus } }: ExaminedParts): Promise<Finding[]> {
  const check = "event bus";
  if (eventBus === undefined) return [warning(check, "the settings name none, so nothing can be published", DEPLOY)];
  try {
    await eventBridge.send(new DescribeEventBusCommand({ Name: eventBus }));
    return [fine(check, `${eventBus} is there`)];
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ResourceNotFoundException") throw error;
    return [problem(check, `there is no bus ${eventBus}`, DEPLOY)];
  }
}

async function examineReplayer({ lambda, settings: { replayer } }: ExaminedParts): Promise<Finding[]> {
  const check = "replayer";
  if (replayer === undefined) return [warning(check, "the settings name none: replays begin a minute later", DEPLOY)];
  return [await examineFunction(lambda, check, replayer, "no replay goes on")];
}

async function examineCommitter({ lambda, settings: { committer } }: ExaminedParts): Promise<Finding[]> {
  const check = "committer";
  if (committer === undefined) {
    return [
      warning(check, "the settings name none: who changes the routing has to be allowed to write its table", DEPLOY),
    ];
  }
  return [await examineFunction(lambda, check, committer, "no change of the routing is made")];
}

/** Below the account's quota, of which others have reserved a part, and 100 of the rest are anybody's. */
async function examineConcurrency({ lambda, settings: { concurrency } }: ExaminedParts): Promise<Finding[]> {
  const check = "concurrency";
  if (concurrency === undefined) return [warning(check, "the settings say nothing of it", DEPLOY)];
  const { AccountLimit = {} } = await lambda.send(new GetAccountSettingsCommand({}));
  const { ConcurrentExecutions: quota = 0, UnreservedConcurrentExecutions: left = quota } = AccountLimit;
  const found = `routing may take ${concurrency} executions at once, of ${left} that the account has for everybody`;
  if (concurrency <= left) return [fine(check, found)];
  const raise = "Ask AWS to raise the quota 'Concurrent executions' of Lambda";
  return [
    warning(
      check,
      `${found} (its quota is ${quota}): under load, components and routers are throttled, and events wait`,
      `${raise}, or lower the environment's concurrency and deploy it again`,
    ),
  ];
}

async function examineFunction(lambda: LambdaClient, check: string, name: string, otherwise: string): Promise<Finding> {
  try {
    const { State = "Active" } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
    // One that hasn't been called for weeks is woken by its next call.
    if (State === "Active" || State === "Inactive") return fine(check, `${name} is ${State.toLowerCase()}`);
    return problem(check, `${name} is ${State.toLowerCase()}: ${otherwise}`, DEPLOY);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ResourceNotFoundException") throw error;
    return problem(check, `there is no function ${name}: ${otherwise}`, DEPLOY);
  }
}
