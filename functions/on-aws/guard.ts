import { randomUUID } from "node:crypto";
import { awsCatalog } from "../../shared/aws-dependencies.ts";
import { guardHandler } from "../guard.ts";
import { functionPorts } from "./function-ports.ts";

const { settings, aws, now } = functionPorts();

/** Called every minute. */
export const handler = guardHandler({
  routingTable: aws.routingTable,
  catalog: awsCatalog(settings, aws.routingTable).catalog,
  events: aws.events,
  replays: aws.replays,
  watches: aws.watches,
  // The replayer looks every minute by itself.
  callReplayer: async () => undefined,
  notify: aws.notify,
  now,
  random: Math.random,
  newId: randomUUID,
});
