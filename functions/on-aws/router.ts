import { routerHandler } from "../router.ts";
import { functionPorts } from "./function-ports.ts";

const { aws, router, metrics, notices } = functionPorts();

/** Takes batches from the live queue. */
export const handler = routerHandler({ ...router, queue: aws.liveQueue() })
  .use(metrics.ofBatches("router"))
  .use(notices.told());
