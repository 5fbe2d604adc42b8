import { sweeperHandler } from "../sweeper.ts";
import { functionPorts, onError } from "./function-ports.ts";

const { aws, now, metrics } = functionPorts();

/** Called every minute. */
export const handler = sweeperHandler({
  ...aws,
  queue: aws.liveQueue(),
  outcomes: aws.outcomeQueue(),
  now,
  onError,
}).use(metrics.ofBeats("sweeper"));
