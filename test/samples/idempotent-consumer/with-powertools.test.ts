import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, it, onTestFinished, vi } from "vitest";
import type { OrderEvent } from "../../../functions/samples/idempotent-consumer/order-state.ts";
import { idempotentHandler } from "../../../functions/samples/idempotent-consumer/with-powertools.ts";
import { lambdaContext } from "../../../scripts/embedded/lambda-context.ts";
import { createTable, dynamodbClient, withDynamoDB } from "../../support/dynamodb-local.ts";

withDynamoDB("a consumer with Powertools", (endpoint) => {
  it("runs an event once per key: again in a rerun, and not again when it is finished", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "consumer");
    onTestFinished(() => void vi.unstubAllEnvs());
    const tableName = await createTable(dynamodbClient(endpoint));
    const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
    const client = new DynamoDBClient({ endpoint, region: "eu-west-1", credentials });
    onTestFinished(() => client.destroy());
    const store = new DynamoDBPersistenceLayer({
      tableName,
      keyAttr: "pk",
      sortKeyAttr: "sk",
      awsSdkV3Client: client,
    });
    const handled: string[] = [];
    const handler = idempotentHandler(store, async ({ turnout }: OrderEvent) => {
      handled.push(turnout.idempotencyKey);
      return turnout.idempotencyKey;
    });
    const deliver = (idempotencyKey: string, replay: string | null) =>
      handler(
        {
          "detail-type": "order paid",
          detail: { order: "7" },
          turnout: { idempotencyKey, generation: replay ?? "live", replay },
        },
        lambdaContext("consumer"),
      );

    expect(await deliver("order-7", null)).toBe("order-7");
    expect(await deliver("order-7", null)).toBe("order-7");
    expect(await deliver("order-7", "finish-1")).toBe("order-7");
    expect(await deliver("order-7#replay-1", "replay-1")).toBe("order-7#replay-1");
    expect(handled).toEqual(["order-7", "order-7#replay-1"]);
  });
});
