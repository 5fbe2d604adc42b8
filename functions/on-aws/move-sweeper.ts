import { randomUUID } from "node:crypto";
import { awsCatalog } from "../../shared/aws-dependencies.ts";
import { moveSweeperHandler } from "../sweeper.ts";
import { functionPorts } from "./function-ports.ts";

const { settings, aws, now, metrics } = functionPorts();
const { catalog } = awsCatalog(settings, aws.routingTable);

/** Called every minute. */
export const handler = moveSweeperHandler({ table: aws.routingTable, catalog, newId: randomUUID, now }).use(
  metrics.ofBeats("move-sweeper"),
);
