import { deadLettersHandler } from "../dead-letters.ts";
import { functionPorts } from "./function-ports.ts";

const { aws, router, metrics, notices } = functionPorts();

/** Takes batches from the live queue's dead-letter queue. */
export const handler = deadLettersHandler({ ...router, queue: aws.deadLetterQueue() })
  .use(metrics.ofBatches("dead-letters"))
  .use(notices.told());
