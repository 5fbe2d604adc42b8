import { setTimeout as delay } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { RetryPolicy } from "./domain/retry.ts";
import { dynamodbRoutingTable } from "./routing-table/dynamodb-routing-table.ts";
import type { AwsSettings } from "./settings.ts";
import { lambdaTarget } from "./targets/lambda-target.ts";

/** About 5 s of waiting in all, at worst: then the batch goes back to the queue, which has more patience. */
const ROUTING_RETRY = RetryPolicy.parse({ maxAttempts: 10, baseDelayMs: 25, maxDelayMs: 1_000 });

/** A DynamoDB request takes some milliseconds. One that takes seconds is lost, and is better made again. */
const DYNAMODB_TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };

/** An invocation takes as long as its component may, and the target watches that; here nothing must cut in. */
const LAMBDA_TIMEOUTS = { connectionTimeout: 3_000, requestTimeout: 0, socketTimeout: 0 };

/** 25 messages, each to ten components at once. */
const MAX_INVOCATIONS = 250;

/** Makes the adapters and the only clients that they use. One connection pool per service, for the process's life. */
export function awsDependencies({ routingTable, region }: AwsSettings) {
  // No retries in the SDK: the routing table has its own, and an attempt at a component must be counted in the ledger.
  const base = { region, maxAttempts: 1 };
  const dynamodb = new DynamoDBClient({ ...base, requestHandler: { ...DYNAMODB_TIMEOUTS, ...pool(50) } });
  const lambda = new LambdaClient({ ...base, requestHandler: { ...LAMBDA_TIMEOUTS, ...pool(MAX_INVOCATIONS) } });
  return {
    routingTable: dynamodbRoutingTable({
      client: DynamoDBDocumentClient.from(dynamodb),
      tableName: routingTable,
      retry: ROUTING_RETRY,
      random: Math.random,
      delay,
    }),
    target: lambdaTarget({ client: lambda, now: () => new Date() }),
    close() {
      dynamodb.destroy();
      lambda.destroy();
    },
  };
}

function pool(maxSockets: number) {
  const agent = { keepAlive: true, maxSockets };
  // Plain HTTP only for endpoints that a test has put in the place of AWS.
  return { httpsAgent: agent, httpAgent: agent };
}
