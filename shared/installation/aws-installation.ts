import { setTimeout as delay } from "node:timers/promises";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { SSMClient } from "@aws-sdk/client-ssm";
import { AccessDenied, explainAwsError } from "../aws/explain-error.ts";
import { awsCatalog, awsDependencies } from "../aws-dependencies.ts";
import { TurnoutError } from "../domain/errors.ts";
import { committedByFunction } from "../routing-table/committed-by-function.ts";
import type { AwsSettings } from "../settings.ts";
import type { VersionLogs } from "../version-logs/version-logs.ts";
import type { CallerIdentity } from "./caller-identity.ts";
import { type EnvironmentName, readEnvironmentSettings } from "./environment-settings.ts";
import type { EnvelopedEvent } from "./event-bus.ts";
import type { Installation } from "./installation.ts";
import { withPolicies } from "./role-policies.ts";

/** Enough for a person to wait. */
const TRIES = 4;
const requestHandler = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

/**
 * An environment on AWS, found by its name in the account of the credentials that the SDK finds. Every client but those
 * of the tables is made when it is needed.
 * @throws TurnoutError when there is none of that name, or it may not be used
 */
export async function awsInstallation(name: EnvironmentName): Promise<Installation> {
  const settings = await settingsOf(name);
  const { region } = settings;
  const options = { region, maxAttempts: TRIES, requestHandler };
  const aws = awsDependencies(settings);
  const { client: lambda, catalog, close } = awsCatalog(settings, aws.routingTable);
  const { committer: functionName } = settings;
  const routingTable =
    functionName === undefined
      ? aws.routingTable
      : committedByFunction(aws.routingTable, { client: lambda, functionName });
  const explain = (error: unknown) => {
    const told = explainAwsError(error, region) ?? deniedBehind(error, region);
    return told instanceof AccessDenied ? withPolicies(told, name, region) : told;
  };
  let asked: Promise<CallerIdentity> | undefined;
  const identity = () => {
    asked ??= askIdentity(region);
    return asked;
  };

  async function eventBridge() {
    const { EventBridgeClient } = await import("@aws-sdk/client-eventbridge");
    // Entries are sent again one by one, and requests with them.
    return new EventBridgeClient({ ...options, maxAttempts: 1 });
  }

  async function putAll(events: readonly EnvelopedEvent[]) {
    const bus = settings.eventBus;
    if (bus === undefined) throw notNamed(name, "TURNOUT_EVENT_BUS");
    const [client, { putOnBus }] = await Promise.all([eventBridge(), import("./event-bus.ts")]);
    try {
      return await putOnBus(client, bus, events, { random: Math.random, delay: (ms) => delay(ms) });
    } finally {
      client.destroy();
    }
  }

  return {
    routingTable,
    events: aws.events,
    replays: aws.replays,
    watches: aws.watches,
    laptops: aws.laptops,
    outcomes: aws.outcomeQueue,
    catalog,
    versions: {
      from: "functions",
      catalog,
      environment: name.environment,
      findMissing: async (address) => {
        const [{ findMissing }, { targetServices }] = await Promise.all([
          import("./find-missing.ts"),
          import("../target-dependencies.ts"),
        ]);
        return findMissing(targetServices({ credentials: () => lambda.config.credentials() }))(address);
      },
    },
    logs: lazyLogs(async () => {
      const [{ CloudWatchLogsClient }, { cloudWatchVersionLogs }, { deliveryLinesOf, logGroupsOf }] = await Promise.all(
        [
          import("@aws-sdk/client-cloudwatch-logs"),
          import("../version-logs/cloudwatch-version-logs.ts"),
          import("./log-groups.ts"),
        ],
      );
      return cloudWatchVersionLogs({
        client: new CloudWatchLogsClient(options),
        groupsOf: (component) => logGroupsOf(aws.routingTable, lambda, component),
        deliveryLinesOf: (component) => deliveryLinesOf(aws.routingTable, name, component),
        now: () => new Date(),
        wait: (ms) => delay(ms),
      });
    }),
    who: async () => (await identity()).arn,
    sourceOf: async () => undefined,
    async publish(events) {
      const settled = await putAll(events);
      const [first] = settled;
      // What is refused alike for all is the caller's, not the events'.
      if (first !== undefined && settled.every((one) => "code" in one && "code" in first && one.code === first.code)) {
        const told = "code" in first && explain(Object.assign(new Error(first.message), { name: first.code }));
        if (told) throw told;
      }
      return settled.map((one) => ("eventId" in one ? one : { problem: `${one.code}: ${one.message}` }));
    },
    isServed: () => true,
    // Functions are called for what is in the queue; nothing waits for somebody to start them.
    waiting: async () => 0,
    async callReplayer(replay) {
      const FunctionName = settings.replayer;
      try {
        if (FunctionName === undefined) throw notNamed(name, "TURNOUT_REPLAYER");
        const Payload = JSON.stringify({ replay });
        await lambda.send(new InvokeCommand({ FunctionName, InvocationType: "Event", Payload }));
        return undefined;
      } catch (error) {
        const told = explain(error) ?? error;
        return told instanceof Error ? told.message : String(told);
      }
    },
    async deniedCalls() {
      const { deniedCalls } = await import("./denied-calls.ts");
      return deniedCalls(lambda, { committer: settings.committer, replayer: settings.replayer }, explain);
    },
    async examine() {
      const [{ examineEnvironment }, { DynamoDBClient }, { S3Client }, { SQSClient }] = await Promise.all([
        import("./examine-environment.ts"),
        import("@aws-sdk/client-dynamodb"),
        import("@aws-sdk/client-s3"),
        import("@aws-sdk/client-sqs"),
      ]);
      const clients = {
        dynamodb: new DynamoDBClient(options),
        s3: new S3Client(options),
        sqs: new SQSClient(options),
        eventBridge: await eventBridge(),
      };
      try {
        return await examineEnvironment({ settings, identity, lambda, ...clients });
      } finally {
        for (const client of Object.values(clients)) client.destroy();
      }
    },
    explain,
    close() {
      close();
      aws.close();
    },
  };
}

/** What AWS has denied, where whoever has asked it has said so in other words; they know nothing of an environment. */
function deniedBehind(error: unknown, region: string): AccessDenied | undefined {
  if (error instanceof AccessDenied) return error;
  if (!(error instanceof TurnoutError) || error.kind !== "not allowed") return undefined;
  const told = explainAwsError(error.cause, region);
  return told instanceof AccessDenied ? told : undefined;
}

/** Logs whose client is made when they are first asked. */
function lazyLogs(make: () => Promise<VersionLogs>): VersionLogs {
  let made: Promise<VersionLogs> | undefined;
  const logs = () => {
    made ??= make();
    return made;
  };
  return {
    versions: async (component) => (await logs()).versions(component),
    async *lines(query, window) {
      yield* (await logs()).lines(query, window);
    },
    async *follow(query, since) {
      yield* (await logs()).follow(query, since);
    },
  };
}

async function settingsOf(name: EnvironmentName): Promise<AwsSettings> {
  const client = new SSMClient({ maxAttempts: TRIES, requestHandler });
  try {
    const account = async () => (await askIdentity(await client.config.region())).account;
    return await readEnvironmentSettings(client, name, () => account().catch(() => undefined));
  } catch (error) {
    const region = await client.config.region().catch(() => "no region");
    const told = explainAwsError(error, region) ?? error;
    throw told instanceof AccessDenied ? withPolicies(told, name, region) : told;
  } finally {
    client.destroy();
  }
}

async function askIdentity(region: string): Promise<CallerIdentity> {
  const [{ STSClient }, { callerIdentity }] = await Promise.all([
    import("@aws-sdk/client-sts"),
    import("./caller-identity.ts"),
  ]);
  const client = new STSClient({ region, maxAttempts: TRIES, requestHandler });
  try {
    return await callerIdentity(client, () => new Date());
  } finally {
    client.destroy();
  }
}

function notNamed({ environment, application }: EnvironmentName, variable: string): TurnoutError {
  return new TurnoutError(
    "failed",
    `The settings of ${environment} (SSM parameter /${application}/${environment}) have no ${variable}. Deploy Turnout again.`,
  );
}
