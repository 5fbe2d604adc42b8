import { deadLettersHandler } from "../dead-letters.ts";
import { functionPorts } from "./function-ports.ts";

const { aws, router, metrics, notices } = functionPorts();

/** Takes batches from the dead-letter queue of the bus's rule. */
export const handler = deadLettersHandler({ ...router, queue: aws.ruleDeadLetterQueue() }, "rule")
  .use(metrics.ofBatches("rule-dead-letters"))
  .use(notices.told());
