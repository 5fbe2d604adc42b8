import { sweeperHandler } from "../sweeper.ts";
import { functionPorts } from "./function-ports.ts";

const { aws, now, metrics } = functionPorts();

/** Called every minute. */
export const handler = sweeperHandler({ events: aws.events, queue: aws.liveQueue(), now }).use(
  metrics.ofBeats("sweeper"),
);
