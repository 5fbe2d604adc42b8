import { outcomesHandler } from "../outcomes.ts";
import { functionPorts } from "./function-ports.ts";

const { aws, router, metrics, notices } = functionPorts();

/** Takes batches from the outcomes queue. */
export const handler = outcomesHandler({ ...router, queue: aws.outcomeQueue() })
  .use(metrics.ofBatches("outcomes"))
  .use(notices.told());
