import { awsCatalog } from "../../shared/aws-dependencies.ts";
import type { WatchedFigures } from "../../shared/flows/watch/watched-figures.ts";
import { watcherHandler } from "../watcher.ts";
import { functionPorts } from "./function-ports.ts";

const { settings, aws, now, metrics } = functionPorts();
const { catalog } = awsCatalog(settings, aws.routingTable);

/** Called every minute. */
export const handler = watcherHandler({ events: aws.events, routingTable: aws.routingTable, catalog, now }).use(
  metrics.ofBeats("watcher", ({ unhealthyVersions, unexpectedVersions }: WatchedFigures) => ({
    UnhealthyVersions: unhealthyVersions,
    UnexpectedVersions: unexpectedVersions,
  })),
);
