import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import middy from "@middy/core";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";

export type PowertoolsOptions = { tableName: string; functionArn: string; region: string };

/** As many as ours, so that no request of a batch waits for a socket. */
const requestHandler = {
  httpsAgent: { keepAlive: true, maxSockets: 250 },
  httpAgent: { keepAlive: true, maxSockets: 250 },
};

/**
 * What a user would otherwise build, as Powertools documents it: batches in parallel with partial responses, each event
 * sent once by its id. Its cheapest form: no local cache (the default), no payload validation, no result kept, the body
 * parsed once, the id as the key where publishers' own keys would need a longer path.
 *
 * It stores no events, so nothing can be replayed; it decides nothing, so all events go to one alias; it has no
 * retries of its own, no fencing, no dead letters, no counts. What it costs is what idempotency alone costs.
 */
export function powertoolsHandler({ tableName, functionArn, region }: PowertoolsOptions) {
  const lambda = new LambdaClient({ region, maxAttempts: 1, requestHandler });
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName,
    awsSdkV3Client: new DynamoDBClient({ region, maxAttempts: 1, requestHandler }),
  });
  const config = new IdempotencyConfig({ eventKeyJmesPath: "id", throwOnNoIdempotencyKey: true });
  const processor = new BatchProcessor(EventType.SQS);

  const invokeOnce = makeIdempotent(
    async (_event: Record<string, unknown>, body: string): Promise<void> => {
      const { FunctionError } = await lambda.send(
        new InvokeCommand({ FunctionName: functionArn, Qualifier: "stable", Payload: body }),
      );
      if (FunctionError !== undefined) throw new Error(FunctionError);
    },
    { persistenceStore, config },
  );

  return middy<SQSEvent, SQSBatchResponse>().handler((event, context: Context) => {
    config.registerLambdaContext(context);
    const deliver = (record: SQSRecord) => invokeOnce(JSON.parse(record.body), record.body);
    return processPartialResponse(event, deliver, processor, { context });
  });
}
