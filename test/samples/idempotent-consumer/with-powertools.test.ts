import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, it, onTestFinished, vi } from "vitest";
import type { OrderEvent } from "../../../functions/samples/idempotent-consumer/order-state.ts";
import { idempotentHandler } from "../../../functions/samples/idempotent-consumer/with-powertools.ts";
import { lambdaContext } from "../../../scripts/embedded/lambda-context.ts";
import { anOrdersKey } from "../../support/builders.ts";
import { createTable, dynamodbClient, withDynamoDB } from "../../support/dynamodb-local.ts";
import { consumerContract } from "./consumer.contract.ts";

withDynamoDB("a consumer with Powertools", (endpoint) => {
  /** The sample on a table of its own, with the keys that it has handled. */
  async function aConsumer() {
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
    return { handled, deliver: (event: OrderEvent) => handler(event, lambdaContext("consumer")) };
  }

  it("runs an event once per key: again in a rerun, and not again when it is finished", async () => {
    const { handled, deliver } = await aConsumer();
    const paid = (idempotencyKey: string, replay: string | null) =>
      deliver({
        "detail-type": "order paid",
        detail: { order: "7" },
        turnout: { idempotencyKey, generation: replay ?? "live", replay },
      });
    const [live, rerun] = [anOrdersKey("order-7"), anOrdersKey("order-7", "replay-1")];

    expect(await paid(live, null)).toBe(live);
    expect(await paid(live, null)).toBe(live);
    expect(await paid(live, "finish-1")).toBe(live);
    expect(await paid(rerun, "replay-1")).toBe(rerun);
    expect(handled).toEqual([live, rerun]);
  });

  consumerContract("the handler with Powertools", async () => {
    const { handled, deliver } = await aConsumer();
    return async (event) => {
      const before = handled.length;
      await deliver(event);
      return handled.length > before ? "effect" : "repeat";
    };
  });
});
