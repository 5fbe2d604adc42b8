import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import type { BasePersistenceLayer } from "@aws-lambda-powertools/idempotency/persistence";
import type { Context } from "aws-lambda";
import type { OrderEvent } from "./order-state.ts";

/**
 * An idempotent consumer with Powertools: `turnout.idempotencyKey` is all that it needs to know. No other event has the
 * key, and it is the same for every attempt, and for a replay that finishes what was begun; a replay that runs events
 * again brings another one. The event as a whole differs from attempt to attempt: never take it, or a hash of it, as key.
 *
 * @param store where Powertools keeps its records, in production a `DynamoDBPersistenceLayer`
 * @param handle what is done once per key
 */
export function idempotentHandler<T>(store: BasePersistenceLayer, handle: (event: OrderEvent) => Promise<T>) {
  const config = new IdempotencyConfig({
    eventKeyJmesPath: "turnout.idempotencyKey",
    throwOnNoIdempotencyKey: true,
    // A delivery may come again for as long as its ledger entry is kept: events are kept for 30 days, entries for 58.
    expiresAfterSeconds: 58 * 86_400,
  });
  const once = makeIdempotent(handle, { persistenceStore: store, config });
  return async (event: OrderEvent, context: Context): Promise<T> => {
    config.registerLambdaContext(context);
    return once(event);
  };
}
