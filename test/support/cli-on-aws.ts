import type { Context } from "aws-lambda";
import { committerHandler } from "../../functions/committer.ts";
import type { CommitCall } from "../../shared/domain/routing/commit-call.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { aComponent } from "./builders.ts";
import { aCli } from "./cli-process.ts";
import { cloudWatchLogsStub } from "./cloudwatch-logs-stub.ts";
import { controlPlaneStub } from "./control-plane-stub.ts";
import { anEventStore } from "./dynamodb-event-store.ts";
import { createTable, dynamodbClient } from "./dynamodb-local.ts";
import { dynamodbProxy } from "./dynamodb-proxy.ts";
import { aRoutingTable } from "./dynamodb-routing.ts";
import { functionArn, lambdaControlStub } from "./lambda-control-stub.ts";
import { sqsStub } from "./sqs-stub.ts";

export const RC = "release-coordinator";

/**
 * The CLI as real processes, for an environment `prod` on DynamoDB Local and on stubs of everything else, found as on AWS:
 * only endpoints and credentials are the test's. Component release-coordinator is a function of that name, with versions
 * 1 and 2; stable and beta point at 1.
 */
export async function aCliOnAws(dynamodb: string) {
  const [proxy, lambda, plane, sqs, logs] = await Promise.all([
    dynamodbProxy(dynamodb),
    lambdaControlStub(),
    controlPlaneStub(),
    sqsStub(),
    cloudWatchLogsStub(),
  ]);
  const maker = dynamodbClient(dynamodb);
  const [routing, events] = [await createTable(maker), await createTable(maker)];
  maker.destroy();
  const settings: Record<string, string> = {
    TURNOUT_ROUTING_TABLE: routing,
    TURNOUT_EVENT_TABLE: events,
    TURNOUT_BODY_BUCKET: "bodies-of-acme",
    TURNOUT_LIVE_QUEUE_URL: sqs.queueUrl,
    TURNOUT_DEAD_LETTER_QUEUE_URL: sqs.deadLetterQueueUrl,
    TURNOUT_RULE_DEAD_LETTER_QUEUE_URL: sqs.deadLetterQueueUrl,
    TURNOUT_OUTCOME_QUEUE_URL: sqs.queueUrl,
    TURNOUT_CONCURRENCY: "800",
    TURNOUT_REPLAYER: "prod-turnout-replayer",
    TURNOUT_COMMITTER: "prod-turnout-committer",
    TURNOUT_EVENT_BUS: "prod-turnout-bus",
  };
  plane.parameters.set("/turnout/prod", JSON.stringify(settings));
  lambda.upload("prod-turnout-replayer", "replayer");
  for (const code of ["one", "two"]) lambda.release(RC, code);
  for (const alias of ["stable", "beta"]) lambda.point(RC, alias, "1");

  const { table } = aRoutingTable(dynamodb, routing);
  const commit = committerHandler(table);
  lambda.run("prod-turnout-committer", (payload) => commit(payload as CommitCall, {} as Context));
  const target = { kind: "lambda" as const, functionArn: functionArn(RC) };
  const aliases = { stable: { target }, beta: { target }, experimental: { target } };
  const component = aComponent({ aliases });
  const meta = { changeId: "first", at: new Date(), who: "ada", why: "a test", command: "test" };
  await changeRoutes(table, { edit: { kind: "apply component", component }, ...meta });

  const endpoints = {
    AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    AWS_ENDPOINT_URL_SQS: sqs.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint,
    ...Object.fromEntries(
      ["SSM", "STS", "EVENTBRIDGE", "S3"].map((service) => [`AWS_ENDPOINT_URL_${service}`, plane.endpoint]),
    ),
  };
  const access = {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "turnout",
    AWS_SECRET_ACCESS_KEY: "turnout",
    // No profile of this machine's, and nothing asked of its network.
    AWS_CONFIG_FILE: "/no/config",
    AWS_SHARED_CREDENTIALS_FILE: "/no/credentials",
    AWS_EC2_METADATA_DISABLED: "true",
    ...endpoints,
  };
  const cli = aCli(undefined, { TURNOUT_ENV: "prod", ...access });
  return {
    ...cli,
    /** As a function of the environment has it. */
    environment: { ...settings, ...access },
    settings,
    proxy,
    lambda,
    plane,
    sqs,
    logs,
    table,
    store: anEventStore(dynamodb, events).store,
  };
}
